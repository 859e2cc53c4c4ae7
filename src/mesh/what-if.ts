/** The same mesh with some objects changed: what a plan, a rollout step or a pull request would make of it. */
import { isFields } from '../istio/fields.ts';
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import { volatileLabels } from './group-pods.ts';
import { buildMesh, type Mesh, type ObjectProblem, policyFields, policySelectors } from './mesh.ts';
import { isPolicyKind, objectKey, type Policies, readPolicies } from './read-objects.ts';
import type { Origin, Snapshot, SnapshotObject } from './snapshot.ts';
import { type ChangedPolicies, memoAfter } from './what-if-memo.ts';

export interface Change {
  /** Added, or put in the place of the object of the same kind, namespace and name. */
  readonly apply?: readonly KubeObject[];
  readonly remove?: readonly ObjectRef[];
}

/** Where a changed object comes from, as its reasons say. */
const whatIf: Origin = { source: 'what-if' };

/**
 * The mesh after a change. Answers that the change cannot touch are kept, so one changed policy costs what it selects and
 * not what the mesh holds. A new object without a creation time counts as the newest, as it would be in a cluster.
 */
export function withChange(mesh: Mesh, change: Change): Mesh {
  const applied = (change.apply ?? []).map((object) => asCreated(mesh.snapshot, object));
  const after = changedSnapshot(mesh.snapshot, applied, change.remove ?? []);
  if (after.removed.every(({ object }) => isPolicyKind(object)) && applied.every(isPolicyKind)) {
    const next = withPolicies(mesh, after, applied);
    if (next !== undefined) return next;
  }
  return buildMesh(after.snapshot);
}

interface ChangedSnapshot {
  readonly snapshot: Snapshot;
  /** Objects that are no longer there: removed, or replaced. */
  readonly removed: readonly SnapshotObject[];
}

function changedSnapshot(
  snapshot: Snapshot,
  applied: readonly KubeObject[],
  remove: readonly ObjectRef[],
): ChangedSnapshot {
  const replaced = new Set(applied.map(objectKey));
  const removed: SnapshotObject[] = [];
  const kept: SnapshotObject[] = [];
  const kinds = new Set([...applied, ...remove].map(({ kind }) => kind));
  for (const item of snapshot.objects) {
    const gone =
      kinds.has(item.object.kind) &&
      (replaced.has(objectKey(item.object)) || remove.some((ref) => names(ref, item.object)));
    (gone ? removed : kept).push(item);
  }
  const added = applied.map((object) => ({ object, origin: whatIf }));
  return { snapshot: { ...snapshot, objects: [...kept, ...added] }, removed };
}

function names(ref: ObjectRef, object: KubeObject): boolean {
  return (
    ref.kind === object.kind &&
    ref.name === object.metadata?.name &&
    (ref.namespace === undefined || ref.namespace === (object.metadata.namespace ?? 'default'))
  );
}

/** The object with the creation time that it would have: its own if it is already there, else one after all others. */
function asCreated(snapshot: Snapshot, object: KubeObject): KubeObject {
  if (!isPolicyKind(object) || object.metadata?.creationTimestamp !== undefined) return object;
  const key = objectKey(object);
  let present: SnapshotObject | undefined;
  let newest = snapshot.takenAt === undefined ? undefined : Date.parse(snapshot.takenAt);
  for (const item of snapshot.objects) {
    if (item.object.kind !== object.kind) continue;
    if (objectKey(item.object) === key) present = item;
    const created = Date.parse(item.object.metadata?.creationTimestamp ?? '');
    if (!Number.isNaN(created)) newest = Math.max(newest ?? 0, created + 1000);
  }
  const time =
    present === undefined
      ? newest === undefined || Number.isNaN(newest)
        ? undefined
        : new Date(newest).toISOString()
      : present.object.metadata.creationTimestamp;
  if (time === undefined || !isFields(object.metadata)) return object;
  return { ...object, metadata: { ...object.metadata, creationTimestamp: time } };
}

/** The mesh with other policies and the same inventory; undefined when pods would have to be grouped anew. */
function withPolicies(mesh: Mesh, after: ChangedSnapshot, applied: readonly KubeObject[]): Mesh | undefined {
  const problems: ObjectProblem[] = [];
  const added = readPolicies(
    applied.map((object) => ({ object, origin: whatIf })),
    problems,
  );
  for (const selector of policySelectors(added)) {
    for (const label in selector) if (volatileLabels.has(label)) return undefined;
  }
  const gone = new Set(after.removed.map(({ object }) => objectKey(object)));
  const { policies: before, inventory } = mesh.index.objects;
  const policies = replacePolicies(before, added, gone);
  const removed = removedPolicies(before, gone);
  const changed: ChangedPolicies = { removed, added };
  return {
    ...mesh,
    snapshot: after.snapshot,
    ...policyFields(policies, mesh.config, mesh.namespaces),
    problems: [...mesh.problems.filter((problem) => !isGone(problem.resource, gone)), ...problems],
    index: {
      ...mesh.index,
      objects: { policies, inventory, problems: mesh.index.objects.problems },
      controlPlanes: new Map(),
      memo: memoAfter(mesh, changed),
    },
  };
}

const groups = {
  peerAuthentications: 'security.istio.io/PeerAuthentication',
  destinationRules: 'networking.istio.io/DestinationRule',
  virtualServices: 'networking.istio.io/VirtualService',
  sidecars: 'networking.istio.io/Sidecar',
  authorizationPolicies: 'security.istio.io/AuthorizationPolicy',
  gateways: 'networking.istio.io/Gateway',
} as const satisfies Record<keyof Policies, string>;

/** A parsed object's key, the same as `objectKey` gives the object it was parsed from. */
function isIn(
  gone: ReadonlySet<string>,
  group: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): boolean {
  const bare = namespace === 'default' && gone.has(`${group}//${name}`);
  return bare || gone.has(`${group}/${namespace}/${name}`);
}

function isGone(ref: ObjectRef, gone: ReadonlySet<string>): boolean {
  const named = { namespace: ref.namespace ?? '', name: ref.name };
  return Object.values(groups).some((group) => group.endsWith(`/${ref.kind}`) && isIn(gone, group, named));
}

function replacePolicies(before: Policies, added: Policies, gone: ReadonlySet<string>): Policies {
  const replace = <Item extends { readonly namespace: string; readonly name: string }>(
    list: readonly Item[],
    more: readonly Item[],
    group: string,
  ): readonly Item[] => {
    if (more.length === 0 && !list.some((item) => isIn(gone, group, item))) return list;
    return [...list.filter((item) => !isIn(gone, group, item)), ...more];
  };
  return {
    peerAuthentications: replace(
      before.peerAuthentications,
      added.peerAuthentications,
      groups.peerAuthentications,
    ),
    destinationRules: replace(before.destinationRules, added.destinationRules, groups.destinationRules),
    virtualServices: replace(before.virtualServices, added.virtualServices, groups.virtualServices),
    sidecars: replace(before.sidecars, added.sidecars, groups.sidecars),
    authorizationPolicies: replace(
      before.authorizationPolicies,
      added.authorizationPolicies,
      groups.authorizationPolicies,
    ),
    gateways: replace(before.gateways, added.gateways, groups.gateways),
  };
}

function removedPolicies(before: Policies, gone: ReadonlySet<string>): Policies {
  return {
    peerAuthentications: before.peerAuthentications.filter((item) =>
      isIn(gone, groups.peerAuthentications, item),
    ),
    destinationRules: before.destinationRules.filter((item) => isIn(gone, groups.destinationRules, item)),
    virtualServices: before.virtualServices.filter((item) => isIn(gone, groups.virtualServices, item)),
    sidecars: before.sidecars.filter((item) => isIn(gone, groups.sidecars, item)),
    authorizationPolicies: before.authorizationPolicies.filter((item) =>
      isIn(gone, groups.authorizationPolicies, item),
    ),
    gateways: before.gateways.filter((item) => isIn(gone, groups.gateways, item)),
  };
}

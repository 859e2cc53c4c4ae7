/** The same mesh with some objects changed: what a plan, a rollout step or a pull request would make of it. */
import { isFields } from '../istio/fields.ts';
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Parsed } from '../istio/metadata.ts';
import { volatileLabels } from './group-pods.ts';
import {
  buildMesh,
  defaultPlane,
  type Mesh,
  type ObjectProblem,
  policySelectors,
  type Read,
} from './mesh.ts';
import { groupKind, isPolicyKind, objectKey, type Policies, readPolicies } from './read-objects.ts';
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
  const applied = (change.apply ?? []).map((object) => asCreated(mesh, object));
  const remove = change.remove ?? [];
  const snapshot = changedSnapshot(mesh.snapshot, applied, remove);
  if (applied.every(isPolicyKind) && remove.every(({ kind }) => policyKindNames.has(kind))) {
    const next = withPolicies(mesh, snapshot, applied, remove);
    if (next !== undefined) return next;
  }
  return buildMesh(snapshot);
}

const groups = {
  peerAuthentications: 'security.istio.io/PeerAuthentication',
  destinationRules: 'networking.istio.io/DestinationRule',
  virtualServices: 'networking.istio.io/VirtualService',
  sidecars: 'networking.istio.io/Sidecar',
  authorizationPolicies: 'security.istio.io/AuthorizationPolicy',
  gateways: 'networking.istio.io/Gateway',
} as const satisfies Record<keyof Policies, string>;

const policyKindNames: ReadonlySet<string> = new Set(
  Object.values(groups).map((group) => group.slice(group.indexOf('/') + 1)),
);

/** The snapshot after the change; its objects are gathered only when somebody asks for them. */
function changedSnapshot(
  snapshot: Snapshot,
  applied: readonly KubeObject[],
  remove: readonly ObjectRef[],
): Snapshot {
  const replaced = new Set(applied.map(objectKey));
  let objects: readonly SnapshotObject[] | undefined;
  return {
    source: snapshot.source,
    ...(snapshot.takenAt === undefined ? {} : { takenAt: snapshot.takenAt }),
    unseen: snapshot.unseen,
    get objects() {
      objects ??= [
        ...snapshot.objects.filter(
          ({ object }) => !replaced.has(objectKey(object)) && !remove.some((ref) => names(ref, object)),
        ),
        ...applied.map((object) => ({ object, origin: whatIf })),
      ];
      return objects;
    },
  };
}

function names(ref: ObjectRef, object: KubeObject): boolean {
  return (
    ref.kind === object.kind &&
    ref.name === object.metadata?.name &&
    (ref.namespace === undefined || ref.namespace === (object.metadata.namespace ?? 'default'))
  );
}

/** The object with the creation time that it would have: its own if it is already there, else one after all others of its kind. */
function asCreated(mesh: Mesh, object: KubeObject): KubeObject {
  if (!isFields(object.metadata) || object.metadata.creationTimestamp !== undefined) return object;
  const list = listOf(mesh.index.objects.policies, object);
  if (list === undefined) return object;
  const key = new Set([objectKey(object)]);
  const present = list.find((item) => isIn(key, groupKind(object), item));
  const time = present === undefined ? afterAll(mesh, list) : present.createdAt;
  if (time === undefined) return object;
  return { ...object, metadata: { ...object.metadata, creationTimestamp: new Date(time).toISOString() } };
}

function listOf(policies: Policies, object: KubeObject): readonly Read<Parsed>[] | undefined {
  switch (groupKind(object)) {
    case groups.peerAuthentications:
      return policies.peerAuthentications;
    case groups.destinationRules:
      return policies.destinationRules;
    case groups.virtualServices:
      return policies.virtualServices;
    case groups.sidecars:
      return policies.sidecars;
    case groups.authorizationPolicies:
      return policies.authorizationPolicies;
    case groups.gateways:
      return policies.gateways;
    default:
      return undefined;
  }
}

/** A moment after every object of a kind and after the snapshot; undefined where nothing has a time (manifests). */
function afterAll(mesh: Mesh, list: readonly Parsed[]): number | undefined {
  const taken = Date.parse(mesh.snapshot.takenAt ?? '');
  let newest = Number.isNaN(taken) ? undefined : taken;
  for (const { createdAt } of list) {
    if (createdAt !== undefined) newest = Math.max(newest ?? 0, createdAt + 1000);
  }
  return newest;
}

/** The mesh with other policies and the same inventory; undefined when pods would have to be grouped anew. */
function withPolicies(
  mesh: Mesh,
  snapshot: Snapshot,
  applied: readonly KubeObject[],
  remove: readonly ObjectRef[],
): Mesh | undefined {
  const problems: ObjectProblem[] = [];
  const added = readPolicies(
    applied.map((object) => ({ object, origin: whatIf })),
    problems,
  );
  for (const selector of policySelectors(added)) {
    for (const label in selector) if (volatileLabels.has(label)) return undefined;
  }
  const gone = new Set([...applied.map(objectKey), ...remove.flatMap(policyKeys)]);
  const { policies: before, inventory } = mesh.index.objects;
  const policies = replacePolicies(before, added, gone);
  const removed = removedPolicies(before, gone);
  const changed: ChangedPolicies = { removed, added };
  const plane = defaultPlane(policies, mesh.config, mesh.namespaces);
  return {
    ...mesh,
    snapshot,
    ...policies,
    policies: plane.policies,
    problems: [...mesh.problems.filter((problem) => !isGone(problem.resource, gone)), ...problems],
    index: {
      ...mesh.index,
      objects: { policies, inventory, problems: mesh.index.objects.problems },
      controlPlanes: new Map([[plane.revision, plane]]),
      memo: memoAfter(mesh, changed),
    },
  };
}

/** The keys that a reference to a policy may stand for. */
function policyKeys({ kind, namespace, name }: ObjectRef): readonly string[] {
  const group = Object.values(groups).find((candidate) => candidate.endsWith(`/${kind}`));
  return group === undefined ? [] : [`${group}/${namespace ?? 'default'}/${name}`];
}

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

/**
 * A Deployment's replica sets: one for each pod template it ever had. The newest carries the highest revision, and
 * `kubectl rollout history` and `undo` read the others.
 */
import type { Api } from '../api/api.ts';
import { equalJson } from '../api/json.ts';
import {
  asReplicaSet,
  type DeploymentObject,
  type PodTemplate,
  type ReplicaSetObject,
} from '../kinds/workloads.ts';
import { isOwnedBy, ownerReference } from './keys.ts';
import { templateHash } from './names.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
const hashLabel = 'pod-template-hash';
const manager = 'kube-controller-manager';

/** Annotations of a Deployment that its replica sets do not take over. */
const notCopied: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  'deployment.kubernetes.io/revision-history',
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

export interface Revisions {
  /** The set of the template as it is now. */
  readonly current: ReplicaSetObject | undefined;
  /** All others, oldest first. */
  readonly old: readonly ReplicaSetObject[];
}

export function revisionsOf(api: Api, deployment: DeploymentObject): Revisions {
  const sets = api
    .list('replicasets.apps', { namespace: deployment.metadata.namespace ?? '' })
    .filter((set) => isOwnedBy(set, deployment))
    .map(asReplicaSet)
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  const current = sets.find((set) => equalJson(plain(set.spec.template), plain(deployment.spec.template)));
  return { current, old: sets.filter((set) => set !== current) };
}

export function revisionOf(set: ReplicaSetObject | DeploymentObject): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0);
}

/** The template without what the controller added to it. */
function plain(template: PodTemplate): unknown {
  const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  const annotations = template.metadata?.annotations ?? {};
  return { labels, annotations, spec: template.spec };
}

/**
 * Makes sure that the template as it is now has its replica set, with the highest revision of all, and that the
 * Deployment shows that revision. A set of the same template is taken up again: that is what `undo` comes to.
 * @returns the set, and whether it was made now
 */
export function ensureCurrent(
  api: Api,
  deployment: DeploymentObject,
  revisions: Revisions,
  replicasWhenNew: number,
  maxReplicas: number,
): { readonly set: ReplicaSetObject; readonly created: boolean } {
  const revision = Math.max(0, ...revisions.old.map(revisionOf)) + 1;
  const { current } = revisions;
  if (current !== undefined) {
    const kept = Math.max(revisionOf(current), revision);
    const set = annotate(api, deployment, current, {
      [revisionAnnotation]: String(kept),
      [desiredAnnotation]: String(deployment.spec.replicas ?? 1),
      [maxAnnotation]: String(maxReplicas),
    });
    return { set, created: false };
  }
  const made = api.create(
    'replicasets.apps',
    newSet(deployment, revision, replicasWhenNew, maxReplicas, collisionsOf(api, deployment)),
    manager,
  );
  return { set: asReplicaSet(made), created: true };
}

/** How often the hash must be salted until the name is free: another template may have the same hash. */
function collisionsOf(api: Api, deployment: DeploymentObject): number {
  let count = deployment.status?.collisionCount ?? 0;
  const { namespace, name } = deployment.metadata;
  while (api.get('replicasets.apps', namespace, `${name}-${hashOf(deployment, count)}`) !== undefined)
    count += 1;
  return count;
}

function hashOf(deployment: DeploymentObject, collisions: number): string {
  return templateHash(plain(deployment.spec.template), collisions);
}

function newSet(
  deployment: DeploymentObject,
  revision: number,
  replicas: number,
  maxReplicas: number,
  collisions: number,
): ReplicaSetObject {
  const hash = hashOf(deployment, collisions);
  const { template, selector, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: {
        ...inherited(deployment),
        [revisionAnnotation]: String(revision),
        [desiredAnnotation]: String(deployment.spec.replicas ?? 1),
        [maxAnnotation]: String(maxReplicas),
      },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
  };
}

function inherited(deployment: DeploymentObject): Readonly<Record<string, string>> {
  const entries = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([name]) => !notCopied.has(name)));
}

/** Sets annotations on a set where they differ. */
function annotate(
  api: Api,
  deployment: DeploymentObject,
  set: ReplicaSetObject,
  annotations: Readonly<Record<string, string>>,
): ReplicaSetObject {
  const wanted = { ...set.metadata.annotations, ...inherited(deployment), ...annotations };
  if (equalJson(wanted, set.metadata.annotations)) return set;
  const metadata = { ...set.metadata, annotations: wanted };
  return asReplicaSet(api.update('replicasets.apps', { ...set, metadata }, manager));
}

/** Shows the newest revision on the Deployment. @returns the Deployment as it is stored then. */
export function showRevision(api: Api, deployment: DeploymentObject, revision: number): void {
  if (revisionOf(deployment) === revision) return;
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: String(revision) };
  api.update(
    'deployments.apps',
    { ...deployment, metadata: { ...deployment.metadata, annotations } },
    manager,
  );
}

/** Writes a set's replica count. */
export function scaleSet(api: Api, set: ReplicaSetObject, replicas: number): void {
  if ((set.spec.replicas ?? 1) === replicas) return;
  api.update('replicasets.apps', { ...set, spec: { ...set.spec, replicas } }, manager);
}

/** Deletes the oldest sets beyond the history limit, those that have no pods any more. */
export function cleanHistory(api: Api, deployment: DeploymentObject, old: readonly ReplicaSetObject[]): void {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const idle = old.filter((set) => set.spec.replicas === 0 && (set.status?.replicas ?? 0) === 0);
  for (const set of idle.slice(0, Math.max(0, old.length - limit))) {
    api.delete('replicasets.apps', set.metadata.namespace, set.metadata.name);
  }
}

/** ControllerRevisions: the templates that a StatefulSet or DaemonSet ever had, which `kubectl rollout history` and `undo` read. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { equalJson } from '../api/json.ts';
import type { PodTemplate } from '../kinds/workloads.ts';
import { isOwnedBy, ownerReference } from './keys.ts';
import { templateHash } from './names.ts';

const manager = 'kube-controller-manager';

export interface RevisionedOwner extends KubeObject {
  readonly spec: { readonly template: PodTemplate; readonly revisionHistoryLimit?: number };
}

export interface TemplateRevision {
  /** The revision object's name: a StatefulSet's pods carry it. */
  readonly name: string;
  readonly hash: string;
  readonly template: PodTemplate;
}

/**
 * Finds or makes the revision of the owner's template, and gives it the highest number.
 * @returns it, and the templates of the other revisions by name
 */
export function ensureRevision(
  api: Api,
  owner: RevisionedOwner,
): { readonly current: TemplateRevision; readonly known: ReadonlyMap<string, PodTemplate> } {
  const { namespace = '', name: ownerName } = owner.metadata;
  const owned = api
    .list('controllerrevisions.apps', { namespace })
    .filter((revision) => isOwnedBy(revision, owner));
  const known = new Map<string, PodTemplate>();
  for (const revision of owned) {
    const template = templateOf(revision);
    if (template !== undefined) known.set(revision.metadata.name, template);
  }
  const highest = Math.max(0, ...owned.map(numberOf));
  const hash = templateHash(owner.spec.template);
  const name = `${ownerName}-${hash}`;
  const current = { name, hash, template: owner.spec.template };
  const before = owned.find((revision) => revision.metadata.name === name);
  if (before === undefined) {
    api.create('controllerrevisions.apps', newRevision(owner, name, hash, highest + 1), manager);
  } else if (numberOf(before) < highest || !equalJson(templateOf(before), owner.spec.template)) {
    api.update('controllerrevisions.apps', { ...before, revision: highest + 1 }, manager);
  }
  return { current, known };
}

function numberOf(revision: KubeObject): number {
  return typeof revision.revision === 'number' ? revision.revision : 0;
}

/** `data` is the patch that kubectl applies for `undo`: `{ spec: { template } }`. */
function templateOf(revision: KubeObject): PodTemplate | undefined {
  type Patch = PodTemplate & { readonly $patch?: string };
  const data = revision.data as { readonly spec?: { readonly template?: Patch } } | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _how, ...template } = data.spec.template;
  return template;
}

function newRevision(owner: RevisionedOwner, name: string, hash: string, revision: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...owner.spec.template.metadata?.labels, 'controller-revision-hash': hash },
      ownerReferences: [ownerReference(owner)],
    },
    data: { spec: { template: { ...owner.spec.template, $patch: 'replace' } } },
    revision,
  };
}

/** The workloads of a namespace as a rollout sees them: what can be restarted, what has a sidecar, what stays outside. */
import type { KubeObject, ObjectRef } from '../istio/kubernetes.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import { asText, asTextMap, dig } from '../sources/json-value.ts';
import { selects } from './injection-choice.ts';
import type { LeftOut } from './plan.ts';

type Labels = Readonly<Record<string, string>>;

/** Kinds whose pods are made anew when an annotation of their template changes. */
export const restartableKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
export type RestartableKind = (typeof restartableKinds)[number];

/** kubectl's own annotation for `rollout restart`, so that everybody's tools know what happened. */
export const restartAnnotation = 'kubectl.kubernetes.io/restartedAt';
/** Istio's word for one pod: a label decides, the annotation of the same name is older. */
export const injectLabel = 'sidecar.istio.io/inject';

export interface Owner {
  readonly ref: ObjectRef;
  readonly kind: RestartableKind;
  readonly object: KubeObject;
  /** Of the pod template. */
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Labels that every pod has and that do not change. */
  readonly selector: Labels;
  readonly hostNetwork: boolean;
  /** `RollingUpdate`, `Recreate`, `OnDelete`. */
  readonly strategy: string;
  /** Of its pods that run now: all with a sidecar, not all, or there are none. */
  readonly meshed: 'yes' | 'no' | 'no-pods';
}

/** @returns the Deployments, StatefulSets and DaemonSets of the namespace, by name. */
export function ownersOf(mesh: Mesh, namespace: string): readonly Owner[] {
  return mesh.snapshot.objects
    .flatMap(({ object }) => {
      const kind = restartableKinds.find((candidate) => candidate === object.kind);
      if (kind === undefined || object.metadata.namespace !== namespace) return [];
      return [parseOwner(mesh, object, kind)];
    })
    .toSorted((a, b) => (a.ref.name < b.ref.name ? -1 : 1));
}

function parseOwner(mesh: Mesh, object: KubeObject, kind: RestartableKind): Owner {
  const { namespace, name } = object.metadata;
  const template = dig(object, 'spec', 'template');
  const strategy =
    kind === 'Deployment'
      ? dig(object, 'spec', 'strategy', 'type')
      : dig(object, 'spec', 'updateStrategy', 'type');
  const running = mesh.workloads.filter(
    (workload) =>
      workload.namespace === namespace &&
      workload.kind === kind &&
      workload.name === name &&
      workload.pods.some((pod) => !pod.deleting),
  );
  return {
    ref: { kind, ...(namespace === undefined ? {} : { namespace }), name },
    kind,
    object,
    labels: asTextMap(dig(template, 'metadata', 'labels')),
    annotations: asTextMap(dig(template, 'metadata', 'annotations')),
    selector: selectorOf(object),
    hostNetwork: dig(template, 'spec', 'hostNetwork') === true,
    strategy: asText(strategy) ?? 'RollingUpdate',
    meshed:
      running.length === 0 ? 'no-pods' : running.every((one) => one.dataplane === 'sidecar') ? 'yes' : 'no',
  };
}

/** What selects its pods in a policy: `matchLabels`, or, beside `matchExpressions` alone, the template's labels. */
function selectorOf(object: KubeObject): Labels {
  const exact = asTextMap(dig(object, 'spec', 'selector', 'matchLabels'));
  return Object.keys(exact).length > 0
    ? exact
    : asTextMap(dig(object, 'spec', 'template', 'metadata', 'labels'));
}

/**
 * Why new pods of an owner would get no sidecar, or null where they would (istio.io, Installing the Sidecar; the
 * webhook's selectors are asked, the template's own marks come first).
 */
export function whyNotInjected(
  owner: Owner,
  namespaceLabels: Labels,
  webhooks: readonly KubeObject[],
): string | null {
  if (owner.hostNetwork) return 'its pods use the host’s network, which is never injected';
  if (owner.labels[injectLabel] === 'false') return `its pod template has the label ${injectLabel}=false`;
  if (owner.annotations[injectLabel] === 'false' && owner.labels[injectLabel] === undefined) {
    return `its pod template has the annotation ${injectLabel}=false`;
  }
  if (!webhooks.some((webhook) => selects(webhook, namespaceLabels, owner.labels))) {
    return 'no sidecar injector selects its pods';
  }
  if (dig(owner.object, 'spec', 'paused') === true) {
    return 'it is paused, so a restart would wait for ever: kubectl rollout resume';
  }
  if (owner.strategy === 'OnDelete') {
    return 'its update strategy is OnDelete: its pods have to be deleted by hand';
  }
  return null;
}

/** Pods that nothing makes anew, and Jobs: named, and left as they are. */
export function leftOutside(mesh: Mesh, namespace: string): readonly LeftOut[] {
  return mesh.workloads
    .filter((workload) => workload.namespace === namespace && outside(workload))
    .map((workload) => ({
      workload: { kind: workload.kind, namespace, name: workload.name },
      reason: workload.kind === 'Pod' ? 'a pod that no controller would make anew' : `a ${workload.kind}`,
      byChoice: false,
    }));
}

function outside(workload: Workload): boolean {
  return (
    workload.dataplane === 'none' &&
    !restartableKinds.some((kind) => kind === workload.kind) &&
    workload.kind !== 'WorkloadEntry' &&
    workload.pods.some((pod) => !pod.deleting && pod.phase !== 'Succeeded' && pod.phase !== 'Failed')
  );
}

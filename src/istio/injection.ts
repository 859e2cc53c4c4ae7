/**
 * The sidecar: does a pod have one, and would a new pod get one. A pod is in the mesh because it has the proxy, not because its
 * namespace says so; running pods never change (istio.io, "Installing the Sidecar").
 */
import type { StringMap } from './fields.ts';
import type { PodTemplate } from './pod.ts';

/** What proxy a pod has. */
export type ProxyKind = 'sidecar' | 'gateway' | 'waypoint' | 'none';

/** The sign by which the proxy was known. */
export type ProxySign =
  | 'container'
  | 'native-sidecar'
  | 'status-annotation'
  | 'router-arguments'
  | 'waypoint-label'
  | 'absent';

export interface ProxyFound {
  readonly kind: ProxyKind;
  readonly sign: ProxySign;
}

export const statusAnnotation = 'sidecar.istio.io/status';
const proxyContainer = 'istio-proxy';

/** The proxy of a pod that exists. */
export function proxyOf(pod: PodTemplate): ProxyFound {
  const container = pod.containers.includes(proxyContainer);
  const native = pod.nativeSidecars.includes(proxyContainer);
  const status = pod.annotations[statusAnnotation] !== undefined;
  if (!container && !native && !status) return { kind: 'none', sign: 'absent' };
  if (
    pod.proxyArgs.includes('waypoint') ||
    pod.labels['gateway.networking.k8s.io/gateway-class-name'] === 'istio-waypoint'
  ) {
    return { kind: 'waypoint', sign: 'waypoint-label' };
  }
  if (pod.proxyArgs.includes('router')) return { kind: 'gateway', sign: 'router-arguments' };
  return { kind: 'sidecar', sign: native ? 'native-sidecar' : container ? 'container' : 'status-annotation' };
}

/** The revision written into a pod when it was injected, in the JSON of `sidecar.istio.io/status`. */
export function injectedRevision(annotations: StringMap): string | undefined {
  const match = /"revision"\s*:\s*"([^"\\]*)"/.exec(annotations[statusAnnotation] ?? '');
  return match?.[1] === '' ? undefined : match?.[1];
}

/** Why a new pod would or would not be injected. */
export type InjectionCause =
  | 'namespace-enabled'
  | 'namespace-revision'
  | 'pod-label'
  | 'pod-revision'
  | 'namespace-disabled'
  | 'namespace-not-labelled'
  | 'pod-label-false'
  | 'pod-annotation-false'
  | 'host-network'
  | 'system-namespace';

export interface InjectionDecision {
  readonly injected: boolean;
  readonly cause: InjectionCause;
  /** The revision that would inject; absent when none would. */
  readonly revision?: string;
  /** The template that would be used: the sidecar's, or a gateway's. */
  readonly template: 'sidecar' | 'gateway';
}

const systemNamespaces: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
]);

/**
 * The two gates that a new pod passes: the webhook's selectors on namespace and pod labels, then the injector's own checks. The
 * pod's annotation can only keep injection away, its label can also ask for it.
 */
export function wouldInject(
  namespace: string,
  namespaceLabels: StringMap,
  pod: Pick<PodTemplate, 'labels' | 'annotations' | 'hostNetwork'>,
): InjectionDecision {
  const template = pod.annotations['inject.istio.io/templates']
    ?.split(',')
    .some((name) => name.trim() === 'gateway')
    ? 'gateway'
    : 'sidecar';
  const gate = webhookGate(namespaceLabels, pod.labels);
  if (!gate.injected) return { ...gate, template };
  const refused = injectorRefusal(namespace, pod);
  return refused === undefined ? { ...gate, template } : { injected: false, cause: refused, template };
}

function webhookGate(
  namespace: StringMap,
  pod: StringMap,
): { readonly injected: boolean; readonly cause: InjectionCause; readonly revision?: string } {
  const wish = pod['sidecar.istio.io/inject'];
  const legacy = namespace['istio-injection'];
  const revision = namespace['istio.io/rev'];
  const podRevision = pod['istio.io/rev'];
  if (legacy !== undefined && legacy !== 'enabled') return { injected: false, cause: 'namespace-disabled' };
  if (wish === 'false') return { injected: false, cause: 'pod-label-false' };
  if (legacy === 'enabled') return { injected: true, cause: 'namespace-enabled', revision: 'default' };
  if (revision !== undefined) return { injected: true, cause: 'namespace-revision', revision };
  if (podRevision !== undefined) return { injected: true, cause: 'pod-revision', revision: podRevision };
  if (wish === 'true') return { injected: true, cause: 'pod-label', revision: 'default' };
  return { injected: false, cause: 'namespace-not-labelled' };
}

function injectorRefusal(
  namespace: string,
  pod: Pick<PodTemplate, 'labels' | 'annotations' | 'hostNetwork'>,
): InjectionCause | undefined {
  if (pod.hostNetwork) return 'host-network';
  if (systemNamespaces.has(namespace)) return 'system-namespace';
  const label = pod.labels['sidecar.istio.io/inject'];
  if (label === undefined && pod.annotations['sidecar.istio.io/inject'] === 'false')
    return 'pod-annotation-false';
  return undefined;
}

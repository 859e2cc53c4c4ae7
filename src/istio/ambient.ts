/**
 * Ambient mode: who is in it, and what its node proxy (ztunnel) makes of PeerAuthentication. Its rules are not the sidecar's in
 * every corner; the differences are kept here as istiod's own conversion has them.
 */
import type { PolicyIndex } from './effective-mode.ts';
import type { StringMap } from './fields.ts';
import type { DeclaredMode, PeerAuthentication } from './peer-authentication.ts';
import type { PodTemplate } from './pod.ts';
import { matchesLabels } from './selector.ts';

export type AmbientSign = 'redirection' | 'pod-label' | 'namespace-label' | 'tunnel-label';

const dataplaneLabel = 'istio.io/dataplane-mode';

/** The sign by which a pod is in ambient mode; undefined when it is not. A sidecar wins over ambient, hostNetwork rules it out. */
export function ambientSign(
  pod: Pick<PodTemplate, 'labels' | 'annotations' | 'hostNetwork'>,
  namespaceLabels: StringMap,
): AmbientSign | undefined {
  if (pod.hostNetwork) return undefined;
  // Written once the node agent really has the pod: the fact, where the labels are the wish.
  if (pod.annotations['ambient.istio.io/redirection'] === 'enabled') return 'redirection';
  if (pod.labels[dataplaneLabel] === 'none') return undefined;
  if (pod.labels[dataplaneLabel] === 'ambient') return 'pod-label';
  if (namespaceLabels[dataplaneLabel] === 'ambient') return 'namespace-label';
  return undefined;
}

/** The service or namespace is behind a waypoint: the label names the Gateway, `none` takes it away. */
export function waypointName(labels: StringMap, namespaceLabels: StringMap): string | undefined {
  const name = labels['istio.io/use-waypoint'] ?? namespaceLabels['istio.io/use-waypoint'];
  return name === undefined || name === 'none' || name === '' ? undefined : name;
}

/** ztunnel takes mutual TLS always; a policy only decides whether plaintext is refused, by port. */
export interface AmbientDecision {
  /** Plaintext is refused at ports without a word of their own. */
  readonly strict: boolean;
  /** Ports that differ from `strict`. */
  readonly exceptions: ReadonlySet<number>;
  /** Mesh, namespace, workload: the oldest of each level, where there is one. */
  readonly mesh?: PeerAuthentication;
  readonly namespace?: PeerAuthentication;
  readonly workload?: PeerAuthentication;
  /** A port-level entry that the conversion leaves out, or that opens the whole workload: see `note`. */
  readonly note?: 'disable-exception-ignored' | 'whole-workload-open';
}

/** What istiod tells ztunnel about one workload. */
export function ambientDecision(index: PolicyIndex, namespace: string, labels: StringMap): AmbientDecision {
  const inRoot = namespace === index.rootNamespace;
  // A `selector: {}` is no selector to a sidecar; from the root namespace it reaches no ambient workload elsewhere.
  const mesh = index.mesh.find((policy) => inRoot || !policy.selector.present);
  const level = inRoot ? undefined : index.namespace.get(namespace)?.[0];
  const workload = inRoot
    ? undefined
    : index.workload.get(namespace)?.find((policy) => matchesLabels(policy.selector.labels ?? {}, labels));
  const decided = resolve(mesh, level, workload);
  return {
    ...decided,
    ...(mesh === undefined ? {} : { mesh }),
    ...(level === undefined ? {} : { namespace: level }),
    ...(workload === undefined ? {} : { workload }),
  };
}

function isSet(mode: DeclaredMode | undefined): boolean {
  return mode !== undefined && mode !== 'UNSET';
}

function resolve(
  mesh: PeerAuthentication | undefined,
  namespace: PeerAuthentication | undefined,
  workload: PeerAuthentication | undefined,
): Pick<AmbientDecision, 'strict' | 'exceptions' | 'note'> {
  let strict = mesh?.mode === 'STRICT';
  if (isSet(namespace?.mode)) strict = namespace?.mode === 'STRICT';
  const inherited = strict;
  const own = workload?.mode;
  if (isSet(own)) strict = own === 'STRICT';
  const entries = [...(workload?.portLevel ?? [])];
  const ports = (wanted: readonly DeclaredMode[]): ReadonlySet<number> =>
    new Set(entries.filter(([, mode]) => wanted.includes(mode)).map(([port]) => port));
  if (!strict) return { strict, exceptions: ports(['STRICT']) };
  const open = ports(['PERMISSIVE', 'DISABLE']);
  if (isSet(own)) return { strict, exceptions: open };
  if (ports(['PERMISSIVE']).size === 0) {
    // Only PERMISSIVE is looked for where the workload's own mode is UNSET.
    return { strict, exceptions: new Set(), ...(open.size > 0 ? { note: 'disable-exception-ignored' } : {}) };
  }
  // The policy's conversion reads the namespace's policy by itself: one that is there but does not say STRICT makes it empty.
  const namespaceStrict =
    namespace === undefined || namespace.selector.present || namespace.mode === 'STRICT';
  const meshStrict = mesh?.mode === 'STRICT' || (namespace?.mode === 'STRICT' && !namespace.selector.present);
  if (inherited && namespaceStrict && meshStrict) return { strict, exceptions: open };
  return { strict: false, exceptions: new Set(), note: 'whole-workload-open' };
}

/** True when ztunnel refuses plaintext at a workload's port. */
export function ambientRefusesPlaintext(decision: AmbientDecision, port: number): boolean {
  return decision.strict !== decision.exceptions.has(port);
}

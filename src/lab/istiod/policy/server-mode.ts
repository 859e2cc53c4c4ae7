/**
 * What a server's sidecar demands, port by port: istiod's composition of PeerAuthentications
 * (pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication).
 */
import type { StringMap } from '../../../istio/fields.ts';
import type { DeclaredMode, MtlsMode, PeerAuthentication } from '../../../istio/peer-authentication.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import type { MeshModel } from '../model/mesh-model.ts';

export interface ServerMode {
  /** Of every port that no port-level setting names. */
  readonly mode: MtlsMode;
  readonly ports: ReadonlyMap<number, MtlsMode>;
}

/** The mode of a workload with these labels. */
export function serverMode(model: MeshModel, namespace: string, labels: StringMap): ServerMode {
  const inherited = namespaceMode(model, namespace);
  const policy = workloadPolicy(model, namespace, labels);
  if (policy === undefined) return { mode: inherited, ports: new Map() };
  const mode = resolve(policy.mode, inherited);
  const ports = new Map<number, MtlsMode>();
  for (const [port, declared] of policy.portLevel) ports.set(port, resolve(declared, mode));
  return { mode, ports };
}

export function modeForPort(mode: ServerMode, port: number): MtlsMode {
  return mode.ports.get(port) ?? mode.mode;
}

/** What mesh-wide and namespace-wide policies say, workloads left out: the hint that clients go by. */
export function namespaceMode(model: MeshModel, namespace: string): MtlsMode {
  const { rootNamespace } = model.config;
  const mesh = resolve(widePolicy(model, rootNamespace)?.mode, 'PERMISSIVE');
  return namespace === rootNamespace ? mesh : resolve(widePolicy(model, namespace)?.mode, mesh);
}

/** The oldest policy without a selector, whatever it says: an empty one hides the younger. */
function widePolicy(model: MeshModel, namespace: string): PeerAuthentication | undefined {
  return model.peerAuthentications.get(namespace)?.find(({ selector }) => isWide(selector.labels));
}

/** The oldest policy that selects the workload counts, whole. In the root namespace selectors select nothing. */
function workloadPolicy(
  model: MeshModel,
  namespace: string,
  labels: StringMap,
): PeerAuthentication | undefined {
  if (namespace === model.config.rootNamespace) return undefined;
  return model.peerAuthentications
    .get(namespace)
    ?.find(
      ({ selector }) =>
        selector.labels !== undefined && !isWide(selector.labels) && matchesLabels(selector.labels, labels),
    );
}

function isWide(labels: StringMap | undefined): boolean {
  return labels === undefined || Object.keys(labels).length === 0;
}

function resolve(declared: DeclaredMode | undefined, inherited: MtlsMode): MtlsMode {
  return declared === undefined || declared === 'UNSET' ? inherited : declared;
}

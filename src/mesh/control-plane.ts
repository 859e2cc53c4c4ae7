/** What one control plane (one revision) reads of the policies, sorted as it sorts them. */
import type { DestinationRule } from '../istio/destination-rule.ts';
import { type DestinationRuleIndex, indexDestinationRules } from '../istio/destination-rule-lookup.ts';
import { indexPolicies, namespaceMode, type PolicyIndex } from '../istio/effective-mode.ts';
import type { Gateway } from '../istio/gateway.ts';
import { defaultMeshConfig, type MeshConfig, namespaceDiscovered } from '../istio/mesh-config.ts';
import { byCreation, type Parsed } from '../istio/metadata.ts';
import { readByRevision } from '../istio/namespace.ts';
import type { MtlsMode, PeerAuthentication } from '../istio/peer-authentication.ts';
import type { SidecarResource } from '../istio/sidecar-resource.ts';
import type { VirtualService } from '../istio/virtual-service.ts';
import type { Read } from './mesh.ts';
import type { Policies } from './read-objects.ts';

export interface ControlPlane {
  readonly revision: string;
  readonly config: MeshConfig;
  readonly policies: PolicyIndex<Read<PeerAuthentication>>;
  readonly rules: DestinationRuleIndex<Read<DestinationRule>>;
  /** Oldest first. */
  readonly virtualServices: readonly Read<VirtualService>[];
  /** By namespace, oldest first. */
  readonly sidecars: ReadonlyMap<string, readonly Read<SidecarResource>[]>;
  readonly gateways: readonly Read<Gateway>[];
  /** Whether discovery selectors let it see a namespace's Services and configuration at all. */
  discovers(namespace: string): boolean;
  /** The mode of a namespace by its own policy or the mesh's; worked out once for each. */
  namespaceMode(namespace: string): MtlsMode;
}

/** The config of a revision: its own config map's, else the default's, else the only one there is, else Istio's defaults. */
export function configFor(configs: readonly MeshConfig[], revision: string): MeshConfig {
  const own = configs.filter((config) => config.revision === revision);
  const candidates = own.length > 0 ? own : configs.filter((config) => config.revision === 'default');
  const inRoot = candidates.find((config) => config.ref?.namespace === config.rootNamespace);
  const only = configs.length === 1 ? configs[0] : undefined;
  return (
    inRoot ??
    candidates.find((config) => config.ref?.namespace === 'istio-system') ??
    candidates[0] ??
    only ??
    defaultMeshConfig
  );
}

/** `namespaceLabels` answers for discovery selectors: a namespace that none of them matches is not read, the root namespace neither. */
export function controlPlane(
  revision: string,
  config: MeshConfig,
  policies: Policies,
  namespaceLabels: (namespace: string) => Readonly<Record<string, string>>,
): ControlPlane {
  const discovers = (namespace: string): boolean =>
    config.discoverySelectors.length === 0 || namespaceDiscovered(config, namespaceLabels(namespace));
  const reads = (object: Parsed): boolean =>
    readByRevision(object.labels, revision) && discovers(object.namespace);
  const sidecars = new Map<string, Read<SidecarResource>[]>();
  for (const sidecar of policies.sidecars.filter(reads).sort(byCreation)) {
    const list = sidecars.get(sidecar.namespace);
    if (list === undefined) sidecars.set(sidecar.namespace, [sidecar]);
    else list.push(sidecar);
  }
  const index = indexPolicies(policies.peerAuthentications.filter(reads), config.rootNamespace);
  const modes = new Map<string, MtlsMode>();
  return {
    revision,
    config,
    policies: index,
    rules: indexDestinationRules(policies.destinationRules.filter(reads), config),
    virtualServices: policies.virtualServices.filter(reads).sort(byCreation),
    sidecars,
    gateways: policies.gateways.filter(reads),
    discovers,
    namespaceMode: (namespace) => {
      const mode = modes.get(namespace) ?? namespaceMode(index, namespace);
      modes.set(namespace, mode);
      return mode;
    },
  };
}

/** A client's cluster for one destination: which DestinationRule counts, and what the connection carries. */
import {
  type ClusterDecision,
  clusterTransport,
  type Discovery,
  endpointTakesMtls,
  serviceHint,
} from '../istio/auto-mtls.ts';
import { type ClusterPolicy, clusterPolicy, endpointTls, type TlsBlock } from '../istio/client-tls.ts';
import type { DestinationRule } from '../istio/destination-rule.ts';
import {
  chooseRule,
  findDestinationRules,
  type MergedRule,
  type RuleScope,
} from '../istio/destination-rule-lookup.ts';
import { composeMode, modeOfPort } from '../istio/effective-mode.ts';
import type { StringMap } from '../istio/fields.ts';
import type { MtlsMode } from '../istio/peer-authentication.ts';
import type { ControlPlane } from './control-plane.ts';
import { hostEndpoints } from './endpoints.ts';
import type { MeshHost } from './host.ts';
import { composedMode } from './inbound.ts';
import type { Mesh, Read, ServicePortEndpoint } from './mesh.ts';
import type { Workload } from './workload.ts';

type Rule = Read<DestinationRule>;

export interface Cluster {
  readonly host: MeshHost;
  /** The Service's port. */
  readonly port: number;
  readonly subset?: string;
  readonly subsetLabels?: StringMap;
  readonly discovery: Discovery;
  readonly decision: ClusterDecision;
  /** The rule that the client uses for the host, and where it was found. */
  readonly rule?: MergedRule<Rule>;
  readonly ruleScope?: RuleScope;
  readonly policy: ClusterPolicy<Rule>;
  /** What the rule tells each endpoint, see `endpointTls`. */
  readonly endpointTls?: TlsBlock<Rule>;
  /** The service's mode as the client guesses it. */
  readonly hint: MtlsMode;
  /** The mode that namespace and mesh policies give the service's namespace. */
  readonly namespaceMode: MtlsMode;
}

/** The rule that a client uses for a host; undefined when none applies. */
export function ruleFor(
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
): { readonly rule: MergedRule<Rule>; readonly scope: RuleScope } | undefined {
  const found = findDestinationRules(plane.rules, host.host, host.namespace, client.namespace);
  if (found === undefined) return undefined;
  const rule = chooseRule(found.rules, client.namespace, client.labels);
  return rule === undefined ? undefined : { rule, scope: found.scope };
}

/** The cluster for a destination; undefined when it names a subset that the client's rule does not have. */
export function clusterFor(
  mesh: Mesh,
  plane: ControlPlane,
  client: Workload,
  host: MeshHost,
  port: number,
  subset?: string,
): Cluster | undefined {
  const found = ruleFor(plane, client, host);
  const rule = found?.rule;
  const subsetEntry = rule?.subsets.find((entry) => entry.subset.name === subset)?.subset;
  if (subset !== undefined && subsetEntry === undefined) return undefined;
  const policy = clusterPolicy(rule, port, subset);
  const sidecar = client.dataplane === 'sidecar';
  const level = subset === undefined ? rule?.trafficPolicy?.policy : subsetEntry?.trafficPolicy;
  const called =
    policy.passthrough ||
    level?.passthrough === true ||
    (subset !== undefined && clusterPolicy(rule, port).passthrough);
  const discovery = discoveryOf(host, sidecar, subset === undefined ? policy.passthrough : called);
  const ownMode = plane.namespaceMode(host.namespace);
  // The guess asks all endpoints where the host, or the level's own load balancer, keeps the called address.
  const asksAll = host.resolution === 'passthrough' || level?.passthrough === true;
  const hint = serviceHint(
    ownMode,
    asksAll ? hostEndpoints(mesh, host, port).map((endpoint) => endpoint.tlsMode) : undefined,
  );
  const tls = policy.tls?.tls;
  const forEndpoints = endpointTls(rule, port, subset);
  return {
    host,
    port,
    ...(subset === undefined ? {} : { subset, subsetLabels: subsetEntry?.labels ?? {} }),
    discovery,
    decision: clusterTransport({
      ...(tls === undefined ? {} : { tls }),
      discovery,
      meshExternal: host.external,
      enableAutoMtls: plane.config.enableAutoMtls,
      hint,
      sidecar,
      selectsClients: rule?.selector !== undefined,
    }),
    ...(found === undefined ? {} : { rule: found.rule, ruleScope: found.scope }),
    policy,
    ...(forEndpoints === undefined ? {} : { endpointTls: forEndpoints }),
    hint,
    namespaceMode: ownMode,
  };
}

function discoveryOf(host: MeshHost, sidecar: boolean, passthrough: boolean): Discovery {
  if (passthrough) return 'original-dst';
  // A gateway has no address that was called: it is told a headless service's endpoints.
  if (host.resolution === 'passthrough') return sidecar ? 'original-dst' : 'eds';
  return host.resolution === 'dns' ? 'dns' : 'eds';
}

/** The mode that a client's control plane has for an endpoint's port. */
export function endpointMode(mesh: Mesh, plane: ControlPlane, endpoint: ServicePortEndpoint): MtlsMode {
  const { workload, labels, namespace, targetPort } = endpoint;
  const known = workload !== undefined && workload.labels === labels && workload.revision === plane.revision;
  const composed = known ? composedMode(mesh, workload) : composeMode(plane.policies, namespace, labels);
  return modeOfPort(composed, targetPort).mode;
}

/** Whether connections of an `auto` cluster to this endpoint are mutual TLS. */
export function takesMtls(
  mesh: Mesh,
  plane: ControlPlane,
  cluster: Cluster,
  endpoint: ServicePortEndpoint,
): boolean {
  return endpointTakesMtls(cluster.endpointTls?.tls.mode, {
    tlsMode: endpoint.tlsMode,
    mode: endpointMode(mesh, plane, endpoint),
  });
}

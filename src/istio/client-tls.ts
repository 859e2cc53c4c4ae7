/**
 * The TLS block of a DestinationRule that counts for a service port and subset. Istio reads it twice, by two rules that
 * differ: for the cluster (what the connection carries) and for each endpoint (whether it is marked as one for mutual TLS).
 */
import type { ClientTls, DestinationRule, PortTrafficPolicy, TrafficPolicy } from './destination-rule.ts';
import type { MergedRule } from './destination-rule-lookup.ts';

/** A TLS block and the rule it stands in. */
export interface TlsBlock<Rule extends DestinationRule = DestinationRule> {
  readonly tls: ClientTls;
  readonly rule: Rule;
}

export interface ClusterPolicy<Rule extends DestinationRule = DestinationRule> {
  /** Absent: no TLS block counts, automatic mutual TLS decides. */
  readonly tls?: TlsBlock<Rule>;
  /** `loadBalancer.simple: PASSTHROUGH` counts: connections go to the address that was called. */
  readonly passthrough: boolean;
  /** A port-level entry without `tls` that puts aside the `tls` above it; for the explanation. */
  readonly dropped?: { readonly tls: ClientTls; readonly by: PortTrafficPolicy; readonly rule: Rule };
}

function portEntry(policy: TrafficPolicy | undefined, port: number): PortTrafficPolicy | undefined {
  return policy?.ports.find((entry) => entry.port === port);
}

/** A level's policy for a port: the entry for that port stands in for the whole level, also in what it leaves out. */
function atPort(policy: TrafficPolicy, port: number): TrafficPolicy | PortTrafficPolicy {
  return portEntry(policy, port) ?? policy;
}

/** For the cluster: a port's entry replaces its level whole; a subset's fields replace the rule's. */
export function clusterPolicy<Rule extends DestinationRule>(
  merged: MergedRule<Rule> | undefined,
  port: number,
  subset?: string,
): ClusterPolicy<Rule> {
  const top = merged?.trafficPolicy;
  const below = merged?.subsets.find((entry) => entry.subset.name === subset);
  const topLevel = top === undefined ? undefined : { level: atPort(top.policy, port), rule: top.rule };
  const subsetPolicy = below?.subset.trafficPolicy;
  const subsetLevel =
    below === undefined || subsetPolicy === undefined
      ? undefined
      : { level: atPort(subsetPolicy, port), rule: below.rule };
  const overrides = subsetLevel !== undefined && portEntry(subsetPolicy, port) !== undefined;
  const decides = subsetLevel?.level.tls !== undefined || overrides ? subsetLevel : topLevel;
  const balances = subsetLevel?.level.passthrough !== undefined || overrides ? subsetLevel : topLevel;
  const tls = decides?.level.tls;
  const dropped = droppedBlock(top, port);
  return {
    ...(decides === undefined || tls === undefined ? {} : { tls: { tls, rule: decides.rule } }),
    passthrough: balances?.level.passthrough ?? false,
    ...(tls === undefined && dropped !== undefined ? { dropped } : {}),
  };
}

function droppedBlock<Rule extends DestinationRule>(
  top: { readonly policy: TrafficPolicy; readonly rule: Rule } | undefined,
  port: number,
): ClusterPolicy<Rule>['dropped'] {
  const by = portEntry(top?.policy, port);
  if (top?.policy.tls === undefined || by === undefined || by.tls !== undefined) return undefined;
  return { tls: top.policy.tls, by, rule: top.rule };
}

/** For each endpoint: a port's entry counts only with a `tls` of its own; without one, and in a subset without one, the level above holds. */
export function endpointTls<Rule extends DestinationRule>(
  merged: MergedRule<Rule> | undefined,
  port: number,
  subset?: string,
): TlsBlock<Rule> | undefined {
  if (merged === undefined) return undefined;
  const top = merged.trafficPolicy;
  const topTls = top === undefined ? undefined : tlsAtPort(top.policy, port);
  const fromTop = top === undefined || topTls === undefined ? undefined : { tls: topTls, rule: top.rule };
  if (subset === undefined) return fromTop;
  const below = merged.subsets.find((entry) => entry.subset.name === subset);
  if (below === undefined) return undefined;
  const own =
    below.subset.trafficPolicy === undefined ? undefined : tlsAtPort(below.subset.trafficPolicy, port);
  return own === undefined ? fromTop : { tls: own, rule: below.rule };
}

function tlsAtPort(policy: TrafficPolicy, port: number): ClientTls | undefined {
  const entry = policy.ports.find((candidate) => candidate.port === port && candidate.tls !== undefined);
  return entry?.tls ?? policy.tls;
}

/** What goes wrong because of a DestinationRule's TLS block: edges sorted by the block that decided and by what came of it. */
import type { TlsBlock } from '../../istio/client-tls.ts';
import type { DestinationRule } from '../../istio/destination-rule.ts';
import type { Cluster } from '../cluster.ts';
import { inbound } from '../inbound.ts';
import type { Mesh, Read } from '../mesh.ts';
import type { Workload } from '../workload.ts';
import { ClientCount, type TroubledCall, troubledCalls } from './client-edges.ts';
import type { FixChange } from './finding.ts';
import { pointer } from './json-pointer.ts';

/**
 * refused: the server does not take what is sent. to-disabled: mutual TLS to a port at DISABLE. to-no-sidecar: mutual TLS to a bare
 * pod. gives-up: not mutual TLS, where it would be taken. dropped: TLS settings that the proxy leaves out.
 */
export type Trouble = 'refused' | 'to-disabled' | 'to-no-sidecar' | 'gives-up' | 'dropped';

export interface RuleTrouble {
  readonly trouble: Trouble;
  readonly block: TlsBlock<Read<DestinationRule>>;
  readonly clients: ClientCount;
  /** Servers by name, with one of their ports that is concerned. */
  readonly servers: Map<Workload, number>;
  /** `cart.shop.svc.cluster.local:8000`, with the subset where there is one. */
  readonly destinations: Set<string>;
  /** One of the calls, to speak for all. */
  readonly call: TroubledCall;
}

const known = new WeakMap<Mesh, readonly RuleTrouble[]>();

/** Every TLS block that makes trouble, once for each kind of trouble. */
export function ruleTroubles(mesh: Mesh, trouble: Trouble): readonly RuleTrouble[] {
  let all = known.get(mesh);
  if (all === undefined) {
    all = findTroubles(mesh);
    known.set(mesh, all);
  }
  return all.filter((found) => found.trouble === trouble);
}

function findTroubles(mesh: Mesh): readonly RuleTrouble[] {
  const found = new Map<string, RuleTrouble>();
  for (const call of troubledCalls(mesh)) {
    const block = decidingBlock(call.cluster);
    const trouble = block === undefined ? undefined : troubleOf(mesh, call);
    if (block === undefined || trouble === undefined) continue;
    const { rule, tls } = block;
    const key = `${trouble} ${rule.namespace}/${rule.name} ${tls.field}`;
    let entry = found.get(key);
    if (entry === undefined) {
      entry = {
        trouble,
        block,
        clients: new ClientCount(),
        servers: new Map(),
        destinations: new Set(),
        call,
      };
      found.set(key, entry);
    }
    entry.clients.add(call);
    if (call.server !== undefined) entry.servers.set(call.server, call.targetPort);
    entry.destinations.add(call.destination);
  }
  return [...found.values()];
}

/** The block of the rule that decided, at the cluster or for the endpoint; undefined where automatic mutual TLS did. */
function decidingBlock(cluster: Cluster): TlsBlock<Read<DestinationRule>> | undefined {
  const { cause } = cluster.decision;
  if (cause === 'auto') return cluster.endpointTls;
  return cause.startsWith('rule') ? cluster.policy.tls : undefined;
}

function troubleOf(mesh: Mesh, call: TroubledCall): Trouble | undefined {
  const { cause } = call.cluster.decision;
  if (cause === 'rule-credential-ignored' || cause === 'rule-no-certificate') return 'dropped';
  const { server, targetPort, outcome, sends } = call;
  // Who answers outside the mesh is not known, so neither is what it takes.
  if (server === undefined || server.dataplane === 'gateway') return undefined;
  const at = inbound(mesh, server, targetPort);
  if (sends === 'istio-mtls') {
    if (outcome !== 'refused') return undefined;
    if (at.captured) return 'to-disabled';
    // A sidecar that the port is kept from is the port's trouble, not the rule's.
    return server.dataplane === 'none' ? 'to-no-sidecar' : undefined;
  }
  if (outcome === 'refused') return 'refused';
  return at.mtls ? 'gives-up' : undefined;
}

/** A remark for a block that no call has met yet; empty otherwise. */
export function notYet({ call }: RuleTrouble): string {
  return call.routed ? '' : ' No VirtualService sends calls to this subset yet.';
}

/** Takes one TLS block out of its rule and leaves everything else in it. */
export function removeBlock({ rule, tls }: TlsBlock<Read<DestinationRule>>): FixChange {
  if (tls.field.includes('[')) {
    return {
      kind: 'json-patch',
      target: rule.ref,
      operations: [{ op: 'remove', path: pointer(tls.field) }],
    };
  }
  return { kind: 'merge-patch', target: rule.ref, patch: { spec: { trafficPolicy: { tls: null } } } };
}

/** The level at which the block stands, in words. */
export function levelWords({ rule, tls }: TlsBlock<Read<DestinationRule>>): string {
  const subset = rule.subsets.find(({ field }) => tls.field.startsWith(`${field}.`));
  const policy = subset === undefined ? rule.trafficPolicy : subset.trafficPolicy;
  const port = policy?.ports.find(({ field }) => tls.field.startsWith(`${field}.`));
  const parts = [
    ...(port === undefined ? [] : [`port ${port.port}`]),
    ...(subset === undefined ? [] : [`subset ${subset.name}`]),
  ];
  return parts.length === 0 ? '' : ` for ${parts.join(' of ')}`;
}

/** What the block says: `DISABLE`, or `no mode, which means DISABLE`. */
export function modeWords({ tls }: TlsBlock<Read<DestinationRule>>): string {
  return tls.modeOmitted ? 'no mode, which means DISABLE' : tls.mode;
}

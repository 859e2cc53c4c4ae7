/** What clients with a proxy send, host by host; worked out once for all the checks that look at it. */
import { fullHost, isWildcard } from '../../istio/hostname.ts';
import { matchesLabels } from '../../istio/selector.ts';
import { clientClasses } from '../client-classes.ts';
import { type Cluster, clusterFor, ruleFor, takesMtls } from '../cluster.ts';
import { type Edge, edgesFrom, type Outcome, type Sends } from '../edge.ts';
import { endpointsOf } from '../endpoints.ts';
import type { MeshHost } from '../host.ts';
import { arrival } from '../inbound.ts';
import { controlPlaneOf, type Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';
import { needsCloserLook } from './ruled-hosts.ts';
import { thousands } from './wording.ts';

/** A call that is not mutual TLS from end to end, and the cluster that decided so. */
export interface TroubledCall {
  readonly cluster: Cluster;
  /** `cart.shop.svc.cluster.local:8000`, with the subset where there is one. */
  readonly destination: string;
  readonly port: number;
  readonly server?: Workload;
  readonly targetPort: number;
  readonly sends: Sends;
  readonly outcome: Outcome;
  /** Who calls so; empty where no client was read, and the call is what a client with a sidecar would do. */
  readonly clients: readonly Workload[];
  /** False for a subset that no VirtualService sends calls to yet. */
  readonly routed: boolean;
}

const known = new WeakMap<Mesh, readonly TroubledCall[]>();

/**
 * Calls from sidecars and gateways that carry plaintext or foreign TLS, or that are refused, because of a rule, a namespace's mode, the
 * mesh configuration or a headless Service. What automatic mutual TLS leaves in plaintext by itself is not here.
 */
export function troubledCalls(mesh: Mesh): readonly TroubledCall[] {
  let calls = known.get(mesh);
  if (calls === undefined) {
    calls = [...findTroubled(mesh)];
    known.set(mesh, calls);
  }
  return calls;
}

function* findTroubled(mesh: Mesh): Generator<TroubledCall> {
  const called = new Set<string>();
  const interesting = needsCloserLook(mesh);
  for (const host of mesh.hosts.values()) {
    if (!interesting(host)) continue;
    let anyClient = false;
    for (const { edge, cluster, clients } of callsTo(mesh, host)) {
      anyClient = true;
      called.add(destinationOf(edge));
      if (edge.outcome !== 'mtls') yield fromEdge(edge, cluster, clients);
    }
    if (!anyClient) yield* hypothetical(mesh, host);
  }
  yield* unroutedSubsets(mesh, called);
}

interface Call {
  readonly edge: Edge;
  readonly cluster: Cluster;
  readonly clients: readonly Workload[];
}

/** Edges of clients with a proxy, class by class. Clients without one, half of all edges and more, are not looked at. */
function* callsTo(mesh: Mesh, host: MeshHost): Generator<Call> {
  for (const { representative, clients, size } of clientClasses(mesh, host.host)) {
    if (representative.dataplane !== 'sidecar' && representative.dataplane !== 'gateway') continue;
    for (const { port, protocol } of host.ports) {
      if (protocol === 'UDP') continue;
      for (const edge of edgesFrom(mesh, representative, host.host, port)) {
        // A workload of one pod does not call itself.
        const self = size === 1 && edge.server === representative && representative.pods.length <= 1;
        if (!self && edge.cause.kind === 'cluster') yield { edge, cluster: edge.cause.cluster, clients };
      }
    }
  }
}

function destinationOf({ host, routedHost, port, subset }: Edge): string {
  return destinationName(routedHost ?? host, port, subset);
}

function destinationName(host: string, port: number, subset: string | undefined): string {
  return `${host}:${port}${subset === undefined ? '' : ` (subset ${subset})`}`;
}

function fromEdge(edge: Edge, cluster: Cluster, clients: readonly Workload[]): TroubledCall {
  const { port, server, targetPort, sends, outcome } = edge;
  return {
    cluster,
    destination: destinationOf(edge),
    port,
    ...(server === undefined ? {} : { server }),
    targetPort,
    sends,
    outcome,
    clients,
    routed: true,
  };
}

/** A host that nobody with a proxy calls, as far as was read: what one of its own workloads would meet when it called. */
function* hypothetical(mesh: Mesh, host: MeshHost): Generator<TroubledCall> {
  for (const { port } of host.ports) {
    const client = endpointsOf(mesh, host.host, port).find(
      ({ workload }) => workload?.dataplane === 'sidecar',
    );
    if (client?.workload === undefined) continue;
    for (const edge of edgesFrom(mesh, client.workload, host.host, port)) {
      if (edge.cause.kind === 'cluster' && edge.outcome !== 'mtls')
        yield fromEdge(edge, edge.cause.cluster, []);
    }
  }
}

/** Subsets of DestinationRules to which no call goes yet: what they say holds as soon as a VirtualService names them. */
function* unroutedSubsets(mesh: Mesh, called: ReadonlySet<string>): Generator<TroubledCall> {
  for (const rule of mesh.destinationRules) {
    const name = fullHost(rule.host, rule.namespace, mesh.config.clusterDomain);
    const host = mesh.hosts.get(name);
    if (rule.subsets.length === 0 || host === undefined || isWildcard(name)) continue;
    const client = clientOf(mesh, host, rule.namespace, rule);
    if (client === undefined) continue;
    for (const { port } of host.ports) {
      for (const { name: subset, trafficPolicy } of rule.subsets) {
        if (trafficPolicy === undefined || called.has(destinationName(name, port, subset))) continue;
        yield* subsetCalls(mesh, client, host, port, subset);
      }
    }
  }
}

/** A workload with a sidecar that uses the rule: of the rule's namespace or the service's, where one is there. */
function clientOf(mesh: Mesh, host: MeshHost, namespace: string, rule: object): Workload | undefined {
  const uses = (client: Workload): boolean =>
    client.dataplane === 'sidecar' &&
    (ruleFor(controlPlaneOf(mesh, client.revision), client, host)?.rule.from.some((used) => used === rule) ??
      false);
  return (
    mesh.workloadsByNamespace.get(namespace)?.find(uses) ??
    mesh.workloadsByNamespace.get(host.namespace)?.find(uses) ??
    mesh.workloads.find(uses)
  );
}

function* subsetCalls(
  mesh: Mesh,
  client: Workload,
  host: MeshHost,
  port: number,
  subset: string,
): Generator<TroubledCall> {
  const plane = controlPlaneOf(mesh, client.revision);
  const cluster = clusterFor(mesh, plane, client, host, port, subset);
  if (cluster === undefined) return;
  const { transport } = cluster.decision;
  for (const endpoint of endpointsOf(mesh, host.host, port)) {
    if (endpoint.workload === undefined || !matchesLabels(cluster.subsetLabels ?? {}, endpoint.labels))
      continue;
    const auto = takesMtls(mesh, plane, cluster, endpoint) ? 'istio-mtls' : 'plaintext';
    const sends: Sends = transport === 'auto' ? auto : transport;
    const outcome = arrival(mesh, endpoint.workload, endpoint.targetPort, sends);
    if (outcome === 'mtls') continue;
    yield {
      cluster,
      destination: destinationName(host.host, port, subset),
      port,
      server: endpoint.workload,
      targetPort: endpoint.targetPort,
      sends,
      outcome,
      clients: [],
      routed: false,
    };
  }
}

/** Clients of several calls, each class once: how many there are, and the name of the first. */
export class ClientCount {
  private readonly classes = new Map<Workload, number>();

  add({ clients }: TroubledCall): void {
    const [first] = clients;
    if (first !== undefined) this.classes.set(first, clients.length);
  }

  /** `Deployment web/front`, or `12 workloads (Deployment web/front and others)`; `any client with a sidecar` where none was read. */
  words(): string {
    const [first] = this.classes.keys();
    if (first === undefined) return 'any client with a sidecar';
    const name = `${first.kind} ${first.namespace}/${first.name}`;
    let total = 0;
    for (const size of this.classes.values()) total += size;
    return total === 1 ? name : `${thousands(total)} workloads (${name} and others)`;
  }
}

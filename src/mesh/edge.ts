/** What a client sends to one endpoint of a service port, and what comes of it. */
import { outboundCapture } from '../istio/capture.ts';
import type { ChainOutcome } from '../istio/filter-chain.ts';
import { matchesLabels } from '../istio/selector.ts';
import { type ClientClass, clientClasses } from './client-classes.ts';
import { type Cluster, clusterFor, takesMtls } from './cluster.ts';
import type { ControlPlane } from './control-plane.ts';
import { EdgeAnswer } from './edge-answer.ts';
import type { EdgeCause } from './edge-reasons.ts';
import { hostEndpoints } from './endpoints.ts';
import { type HostPort, type MeshHost, portOf } from './host.ts';
import { arrival } from './inbound.ts';
import { controlPlaneOf, type Mesh, type ServicePortEndpoint } from './mesh.ts';
import type { Reason } from './reason.ts';
import { type Routed, routesOf } from './routes.ts';
import { hiddenFrom, outboundPolicy } from './visibility.ts';
import type { Workload } from './workload.ts';

/** `tls`: TLS that is not Istio's (a DestinationRule's SIMPLE or MUTUAL). */
export type Sends = 'istio-mtls' | 'plaintext' | 'tls';

/** `tls`: such TLS reaches the application unopened. */
export type Outcome = ChainOutcome;

/** One answer that holds for every pod of the client and the server workload. */
export interface Edge {
  readonly client: Workload;
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  /** Absent: the endpoint belongs to no workload that was seen (an address outside the mesh). */
  readonly server?: Workload;
  /** Names of the server's pods that are endpoints here; empty for a workload known by its template. */
  readonly serverPods: readonly string[];
  /** `NAMESPACE/NAME` of the server workload, or the endpoint's address. */
  readonly serverName: string;
  readonly targetPort: number;
  /** The subset that a VirtualService routes to; absent for the whole service. */
  readonly subset?: string;
  /** The host that a VirtualService routes to, where it is not the called one. */
  readonly routedHost?: string;
  readonly sends: Sends;
  readonly outcome: Outcome;
  /** What settled the client's side, for those who sort edges; `because` says it in words. */
  readonly cause: EdgeCause;
  readonly because: readonly Reason[];
}

/** An edge that holds for a whole class of clients; `client` is one of them. */
export interface ClassEdge extends Edge {
  readonly clients: readonly Workload[];
}

/** The edge from a client workload to one endpoint of a service port; undefined when the client has no route to it. */
export function edge(
  mesh: Mesh,
  client: Workload,
  host: string,
  port: number,
  endpoint: ServicePortEndpoint,
): Edge | undefined {
  const found = edgesFrom(mesh, client, host, port);
  return found.find(
    (candidate) =>
      candidate.server === endpoint.workload &&
      candidate.targetPort === endpoint.targetPort &&
      (endpoint.workload !== undefined || candidate.serverName === endpoint.address),
  );
}

/** Every edge from one client workload to a host's port, the likeliest route first. */
export function edgesFrom(mesh: Mesh, client: Workload, host: string, port: number): readonly Edge[] {
  const alone: ClientClass = { representative: client, size: 1, clients: [client] };
  const called = mesh.hosts.get(host);
  const hostPort = called === undefined ? undefined : portOf(called, port);
  if (called === undefined || hostPort === undefined) return [];
  return [...buildEdges(mesh, alone, called, hostPort)];
}

/** Edges to one host: one for each client class, port and group of alike endpoints. Worked out once. */
export function edgesTo(mesh: Mesh, host: string): readonly ClassEdge[] {
  const memo = mesh.index.memo.edgesTo;
  let edges = memo.get(host);
  if (edges === undefined) {
    edges = findEdgesTo(mesh, host);
    memo.set(host, edges);
  }
  return edges;
}

function findEdgesTo(mesh: Mesh, host: string): readonly ClassEdge[] {
  const called = mesh.hosts.get(host);
  if (called === undefined) return [];
  const edges: ClassEdge[] = [];
  for (const clients of clientClasses(mesh, host)) {
    for (const port of called.ports) {
      if (port.protocol === 'UDP') continue;
      for (const found of buildEdges(mesh, clients, called, port)) {
        if (!isSelf(clients, found)) edges.push(found);
      }
    }
  }
  return edges;
}

/** A workload of one pod is no client of its own. */
function isSelf({ size, representative }: ClientClass, { server }: Edge): boolean {
  return size === 1 && representative === server && server.pods.length <= 1;
}

function* buildEdges(mesh: Mesh, clients: ClientClass, host: MeshHost, port: HostPort): Generator<ClassEdge> {
  const client = clients.representative;
  const make = (endpoint: ServicePortEndpoint, sends: Sends, cause: EdgeCause, routed?: Routed): ClassEdge =>
    edgeOf(mesh, clients, host, port.port, endpoint, sends, cause, routed);
  switch (client.dataplane) {
    case 'sidecar':
    case 'gateway':
      yield* proxiedEdges(mesh, client, host, port, make);
      return;
    case 'ambient':
    case 'waypoint':
      for (const endpoint of hostEndpoints(mesh, concrete(mesh, host), port.port)) {
        const tunnel = takesTunnel(endpoint);
        yield make(endpoint, tunnel ? 'istio-mtls' : 'plaintext', { kind: 'ambient-client', tunnel });
      }
      return;
    case 'none':
      for (const endpoint of hostEndpoints(mesh, concrete(mesh, host), port.port)) {
        yield make(endpoint, 'plaintext', { kind: 'no-proxy' });
      }
  }
}

type Make = (endpoint: ServicePortEndpoint, sends: Sends, cause: EdgeCause, routed?: Routed) => ClassEdge;

/** The host that an alias (ExternalName) stands for; rules on the alias itself have no effect. */
function concrete(mesh: Mesh, host: MeshHost): MeshHost {
  return (host.aliasOf === undefined ? undefined : mesh.hosts.get(host.aliasOf)) ?? host;
}

function* proxiedEdges(
  mesh: Mesh,
  client: Workload,
  called: MeshHost,
  port: HostPort,
  make: Make,
): Generator<ClassEdge> {
  const plane = controlPlaneOf(mesh, client.revision);
  const host = concrete(mesh, called);
  const endpoints = hostEndpoints(mesh, host, port.port);
  const hidden = hiddenFrom(mesh, plane, client, host, port);
  if (hidden !== undefined) {
    const policy = outboundPolicy(plane, client);
    for (const endpoint of endpoints) yield make(endpoint, 'plaintext', { kind: 'hidden', hidden, policy });
    return;
  }
  for (const routed of routesOf(plane, client, host, port)) {
    const target = routed.host === host.host ? host : mesh.hosts.get(routed.host);
    if (target === undefined || portOf(target, routed.port) === undefined) continue;
    const cluster = clusterFor(mesh, plane, client, concrete(mesh, target), routed.port, routed.subset);
    if (cluster === undefined) continue;
    // A cluster that keeps the called address brings its settings only: the call goes where it was going.
    const direct = cluster.discovery === 'original-dst';
    const reached = direct ? endpoints : hostEndpoints(mesh, cluster.host, cluster.port);
    yield* clusterEdges(mesh, plane, client, cluster, reached, routed, make);
  }
}

function* clusterEdges(
  mesh: Mesh,
  plane: ControlPlane,
  client: Workload,
  cluster: Cluster,
  endpoints: readonly ServicePortEndpoint[],
  routed: Routed,
  make: Make,
): Generator<ClassEdge> {
  for (const endpoint of endpoints) {
    // A cluster that keeps the called address has no endpoints to pick from, so a subset's labels pick none.
    const picks = cluster.subsetLabels !== undefined && cluster.discovery !== 'original-dst';
    if (picks && !matchesLabels(cluster.subsetLabels ?? {}, endpoint.labels)) continue;
    const bypass = bypassOf(client, cluster, endpoint);
    if (bypass !== undefined) {
      yield make(endpoint, 'plaintext', bypass, routed);
    } else if (tunnels(mesh, cluster, endpoint)) {
      yield make(endpoint, 'istio-mtls', { kind: 'tunnel', cluster }, routed);
    } else {
      const { transport } = cluster.decision;
      const auto = transport === 'auto' && takesMtls(mesh, plane, cluster, endpoint);
      const sends = transport === 'auto' ? (auto ? 'istio-mtls' : 'plaintext') : transport;
      yield make(endpoint, sends, { kind: 'cluster', cluster, plane }, routed);
    }
  }
}

/** Annotations of the client's pod that lead the call past its sidecar. */
function bypassOf(
  client: Workload,
  cluster: Cluster,
  endpoint: ServicePortEndpoint,
): Extract<EdgeCause, { kind: 'not-captured' }> | undefined {
  if (client.dataplane !== 'sidecar') return undefined;
  const pod = endpoint.workload?.pods.find((candidate) => endpoint.pods.includes(candidate.name));
  const direct = cluster.host.resolution === 'passthrough';
  const address = direct ? (pod?.ips[0] ?? endpoint.address) : cluster.host.address;
  const capture = outboundCapture(client.annotations, direct ? endpoint.targetPort : cluster.port, address);
  return capture.captured ? undefined : { kind: 'not-captured', capture };
}

/** True where a node proxy, or a sidecar of an ambient mesh, takes ambient's tunnel. */
function takesTunnel(endpoint: ServicePortEndpoint): boolean {
  return (
    endpoint.workload?.dataplane === 'ambient' || endpoint.labels['networking.istio.io/tunnel'] === 'http'
  );
}

/** Sidecars and gateways tunnel to endpoints that do not speak mutual TLS themselves; never past the control plane's endpoints. */
function tunnels(mesh: Mesh, cluster: Cluster, endpoint: ServicePortEndpoint): boolean {
  if (cluster.discovery === 'original-dst' || endpoint.tlsMode === 'istio') return false;
  return takesTunnel(endpoint) && (endpoint.workload?.dataplane === 'ambient' || isAmbientMesh(mesh));
}

function isAmbientMesh(mesh: Mesh): boolean {
  return mesh.config.proxyMetadata.ISTIO_META_ENABLE_HBONE === 'true';
}

function edgeOf(
  mesh: Mesh,
  clients: ClientClass,
  called: MeshHost,
  port: number,
  endpoint: ServicePortEndpoint,
  sends: Sends,
  cause: EdgeCause,
  routed: Routed | undefined,
): ClassEdge {
  const outcome = outcomeOf(mesh, endpoint, sends, cause);
  return new EdgeAnswer(mesh, clients, called.host, port, { endpoint, sends, outcome, cause, routed });
}

function outcomeOf(mesh: Mesh, endpoint: ServicePortEndpoint, sends: Sends, cause: EdgeCause): Outcome {
  if (cause.kind === 'hidden' && cause.policy === 'REGISTRY_ONLY') return 'refused';
  const { workload, targetPort } = endpoint;
  // Nobody is known at the address: what it says of itself is all there is.
  if (workload === undefined)
    return sends === 'istio-mtls' ? (endpoint.tlsMode === 'istio' ? 'mtls' : 'refused') : sends;
  if (cause.kind === 'tunnel' || (cause.kind === 'ambient-client' && cause.tunnel)) return 'mtls';
  return arrival(mesh, workload, targetPort, sends);
}

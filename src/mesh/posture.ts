/** The machine-readable posture: a row for each pod and port, and for each pod as client and endpoint as server. */
import type { LabelQuery } from '../istio/label-query.ts';
import type { MtlsMode } from '../istio/peer-authentication.ts';
import type { ClassEdge, Outcome, Sends } from './edge.ts';
import { edgesTo } from './edge.ts';
import { containerPorts, inbound } from './inbound.ts';
import { type Mesh, workloads } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

export interface InboundRow {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly port: number;
  /** The proxy takes and ends Istio mutual TLS here. */
  readonly mtls: boolean;
  /** Plaintext gets through to the application. */
  readonly plaintext: boolean;
  /** The effective mode; it holds only where the port is captured, which `because` tells. */
  readonly mode: MtlsMode;
  readonly because: readonly Reason[];
}

export interface EdgeRow {
  readonly client: string;
  readonly host: string;
  /** The Service's port. */
  readonly port: number;
  readonly server: string;
  /** The endpoint's port. */
  readonly targetPort: number;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly because: readonly Reason[];
}

export interface Posture {
  readonly inbound: readonly InboundRow[];
  readonly edges: readonly EdgeRow[];
}

export interface PostureOptions {
  /** Ports to answer for besides those that containers declare. */
  readonly ports?: readonly number[];
  /** Only pods of these namespaces in `inbound`, and edges that start or end in them. Absent: all. */
  readonly namespaces?: readonly string[];
  /** Only pods with such labels in `inbound`, and edges that start or end at them. Absent: all. */
  readonly labels?: LabelQuery;
}

/** Whether the workload is one of those that were asked for. */
export function isAsked({ namespaces, labels }: PostureOptions, workload: Workload): boolean {
  return (
    (namespaces === undefined || namespaces.includes(workload.namespace)) &&
    (labels === undefined || labels(workload.labels))
  );
}

/** Every row of the mesh. The number of edges is the product of clients and endpoints: use `edgeRows` to stream them. */
export function posture(mesh: Mesh, options: PostureOptions = {}): Posture {
  return { inbound: [...inboundRows(mesh, options)], edges: [...edgeRows(mesh, options)] };
}

/** A row for each pod behind a proxy and each of its ports. */
export function* inboundRows(mesh: Mesh, options: PostureOptions = {}): Generator<InboundRow> {
  for (const workload of workloads(mesh, options.namespaces)) {
    if (!isAsked(options, workload)) continue;
    if (workload.dataplane !== 'sidecar' && workload.dataplane !== 'ambient') continue;
    // A machine outside Kubernetes is no pod.
    if (workload.kind === 'WorkloadEntry') continue;
    const ports = new Set([...containerPorts(workload), ...(options.ports ?? [])]);
    for (const port of [...ports].sort((a, b) => a - b)) {
      const { mtls, plaintext, mode, because } = inbound(mesh, workload, port);
      for (const pod of podNames(workload)) {
        yield { pod: `${workload.namespace}/${pod}`, port, mtls, plaintext, mode, because };
      }
    }
  }
}

/** A row for each pod as client and each endpoint of each service port, itself excepted. */
export function* edgeRows(mesh: Mesh, options: PostureOptions = {}): Generator<EdgeRow> {
  const all = options.namespaces === undefined && options.labels === undefined;
  for (const host of mesh.hosts.keys()) {
    const said = new Set<string>();
    for (const edge of edgesTo(mesh, host)) {
      const { server } = edge;
      const toAsked = all || (server !== undefined && isAsked(options, server));
      for (const client of edge.clients) {
        if (toAsked || isAsked(options, client)) yield* podRows(edge, client, said);
      }
    }
  }
}

/** `said` keeps a call that may go several ways to the likeliest of them, which comes first. */
function* podRows(edge: ClassEdge, client: Workload, said: Set<string>): Generator<EdgeRow> {
  const { host, port, server, targetPort, sends, outcome } = edge;
  const servers =
    server === undefined
      ? [edge.serverName]
      : (edge.serverPods.length > 0 ? edge.serverPods : [server.name]).map(
          (pod) => `${server.namespace}/${pod}`,
        );
  for (const pod of podNames(client)) {
    const name = `${client.namespace}/${pod}`;
    for (const target of servers) {
      if (target === name) continue;
      const key = `${name} ${port} ${target} ${targetPort}`;
      if (said.has(key)) continue;
      said.add(key);
      yield {
        client: name,
        host,
        port,
        server: target,
        targetPort,
        sends,
        outcome,
        because: edge.because,
      };
    }
  }
}

/** The workload's pods, or its own name where no pod was read. */
function podNames(workload: Workload): readonly string[] {
  return workload.pods.length > 0 ? workload.pods.map((pod) => pod.name) : [workload.name];
}

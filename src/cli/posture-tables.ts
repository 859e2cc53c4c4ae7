/** The posture for people: a line for each workload and port, and a line for each way in which clients reach a host. */
import { serviceHost } from '../istio/hostname.ts';
import { formatRef } from '../istio/kubernetes.ts';
import { type ClassEdge, edgesTo, type Outcome } from '../mesh/edge.ts';
import { type Inbound, inbound, portsOf } from '../mesh/inbound.ts';
import { type Mesh, workloads } from '../mesh/mesh.ts';
import type { PostureOptions } from '../mesh/posture.ts';
import type { Workload } from '../mesh/workload.ts';
import { paint, type Tone } from '../report/style.ts';
import { type Cell, renderTable } from '../report/table.ts';

export interface TableStyle {
  readonly width: number;
  readonly color: boolean;
}

/** @returns both tables and what could not be seen, with a newline at the end. */
export function postureTables(mesh: Mesh, options: PostureOptions, style: TableStyle): string {
  const shown = workloads(mesh, options.namespaces);
  const sections = [
    inboundTable(mesh, shown, options, style),
    edgeTable(mesh, options, style),
    unseen(mesh, style),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function inboundTable(
  mesh: Mesh,
  shown: readonly Workload[],
  options: PostureOptions,
  style: TableStyle,
): string {
  const rows = shown.flatMap((workload) =>
    [...new Set([...portsOf(mesh, workload), ...(options.ports ?? [])])]
      .toSorted((a, b) => a - b)
      .map((port) => inboundRow(workload, inbound(mesh, workload, port))),
  );
  if (rows.length === 0) return 'No workload with a port was found.';
  const columns = [
    { title: 'WORKLOAD' },
    { title: 'PORT', align: 'right' as const },
    { title: 'MODE' },
    { title: 'ACCEPTS' },
    { title: 'DECIDED BY' },
  ];
  return renderTable(columns, rows, style);
}

function inboundRow(workload: Workload, row: Inbound): readonly Cell[] {
  return [
    workloadName(workload),
    String(row.port),
    row.captured ? row.mode : '-',
    accepts(row),
    row.captured ? decidedBy(row) : whyNotCaptured(workload),
  ];
}

function accepts(row: Inbound): Cell {
  if (row.mtls && row.plaintext) return { text: 'mTLS and plaintext', tone: 'warn' };
  if (row.mtls) return { text: 'mTLS only', tone: 'good' };
  return { text: row.plaintext ? 'plaintext only' : 'nothing', tone: 'bad' };
}

function decidedBy(row: Inbound): string {
  return row.policy === undefined ? 'default' : `${formatRef(row.policy)} (${row.scope})`;
}

function whyNotCaptured(workload: Workload): string {
  if (workload.dataplane !== 'none') return `${workload.dataplane}; the port is not captured`;
  return workload.dataplaneBecause.at(-1)?.text ?? 'no sidecar';
}

/** Clients that fare alike are one line: `Deployment shop/cart and 3 more`. */
function edgeTable(mesh: Mesh, options: PostureOptions, style: TableStyle): string {
  const wanted = options.namespaces === undefined ? undefined : new Set(options.namespaces);
  const rows = mesh.services.flatMap((service) =>
    edgesTo(mesh, serviceHost(service.name, service.namespace, mesh.config.clusterDomain)).flatMap((edge) => {
      const clients = edge.clients.filter(
        (client) => wanted === undefined || wanted.has(service.namespace) || wanted.has(client.namespace),
      );
      return clients.length === 0 ? [] : [edgeRow(edge, clients)];
    }),
  );
  if (rows.length === 0) return '';
  const columns = [{ title: 'CLIENTS' }, { title: 'TO' }, { title: 'SEND' }, { title: 'OUTCOME' }];
  return renderTable(columns, rows, style);
}

const outcomeTone = {
  mtls: 'good',
  tls: 'note',
  plaintext: 'warn',
  refused: 'bad',
} as const satisfies Record<Outcome, Tone>;

function edgeRow(edge: ClassEdge, clients: readonly Workload[]): readonly Cell[] {
  const [first] = clients;
  const more = clients.length > 1 ? ` and ${clients.length - 1} more` : '';
  const host = edge.host.replace(/\.svc\.[^:]*$/, '');
  return [
    first === undefined ? '' : `${workloadName(first)}${more}`,
    `${host}:${edge.port} -> ${edge.serverName}:${edge.targetPort}`,
    edge.sends === 'istio-mtls' ? 'mTLS' : edge.sends,
    { text: edge.outcome === 'mtls' ? 'mTLS' : edge.outcome, tone: outcomeTone[edge.outcome] },
  ];
}

function workloadName(workload: Workload): string {
  const variant = workload.variant > 1 ? ` #${workload.variant}` : '';
  return `${workload.kind} ${workload.namespace}/${workload.name}${variant}`;
}

function unseen(mesh: Mesh, style: TableStyle): string {
  return mesh.snapshot.unseen
    .map(({ resource, namespace, reason }) => {
      const where = namespace === undefined ? '' : ` in ${namespace}`;
      return `${paint('not seen:', 'warn', style.color)} ${resource}${where}: ${reason}`;
    })
    .join('\n');
}

/** The posture for people: for each namespace a line for each workload and port, and one for each way to reach a host. */
import { serviceHost } from '../istio/hostname.ts';
import { type ClassEdge, edgesTo, type Outcome } from '../mesh/edge.ts';
import { blindSpots } from '../mesh/graph/blind-spots.ts';
import { type Inbound, inbound, portsOf } from '../mesh/inbound.ts';
import { type Mesh, workloads } from '../mesh/mesh.ts';
import { isAsked, type PostureOptions } from '../mesh/posture.ts';
import type { Workload } from '../mesh/workload.ts';
import { paint, type Tone } from '../report/style.ts';
import { type Cell, renderTable } from '../report/table.ts';

export interface TableStyle {
  readonly width: number;
  readonly color: boolean;
}

/** @returns the tables of each namespace and what could not be seen, with a newline at the end. */
export function postureTables(mesh: Mesh, options: PostureOptions, style: TableStyle): string {
  const shown = workloads(mesh, options.namespaces);
  const namespaces = new Set([
    ...shown.map((workload) => workload.namespace),
    ...mesh.services
      .map((service) => service.namespace)
      .filter((name) => options.namespaces === undefined || options.namespaces.includes(name)),
  ]);
  const sections = [...namespaces]
    .toSorted()
    .map((namespace) => namespaceSection(mesh, namespace, options, style))
    .filter((section) => section !== '');
  if (sections.length === 0) sections.push('No workload with a port was found.');
  return `${[...sections, unseen(mesh, style)].filter((section) => section !== '').join('\n\n')}\n`;
}

function namespaceSection(mesh: Mesh, namespace: string, options: PostureOptions, style: TableStyle): string {
  const tables = [
    inboundTable(mesh, namespace, options, style),
    edgeTable(mesh, namespace, options, style),
  ].filter((table) => table !== '');
  if (tables.length === 0) return '';
  return [paint(`Namespace ${namespace}`, 'strong', style.color), ...tables].join('\n\n');
}

function inboundTable(mesh: Mesh, namespace: string, options: PostureOptions, style: TableStyle): string {
  const asked = workloads(mesh, [namespace]).filter((workload) => isAsked(options, workload));
  const isBlind = blindSpots(mesh, options.namespaces).inbound(namespace) !== undefined;
  const rows = asked.flatMap((workload) =>
    [...new Set([...portsOf(mesh, workload), ...(options.ports ?? [])])]
      .toSorted((a, b) => a - b)
      .map((port) => inboundRow(workload, inbound(mesh, workload, port), isBlind)),
  );
  if (rows.length === 0) return '';
  const columns = [
    { title: 'WORKLOAD' },
    { title: 'PORT', align: 'right' as const },
    { title: 'MODE' },
    { title: 'ACCEPTS' },
    { title: 'POLICY' },
  ];
  return renderTable(columns, rows, { ...style, indent: '  ' });
}

/** @param isBlind policies that decide may not have been read: a mode by other ones is no answer */
function inboundRow(workload: Workload, row: Inbound, isBlind: boolean): readonly Cell[] {
  const head = [nameIn(workload, workload.namespace), String(row.port)];
  if (row.captured && isBlind) return [...head, '?', '?', 'policies could not be read'];
  return [
    ...head,
    row.captured ? row.mode : '-',
    accepts(row),
    row.captured ? decidedBy(row, workload.namespace) : whyNotCaptured(workload),
  ];
}

function accepts(row: Inbound): Cell {
  if (row.mtls && row.plaintext) return { text: 'mTLS, plaintext', tone: 'warn' };
  if (row.mtls) return { text: 'mTLS only', tone: 'good' };
  return { text: row.plaintext ? 'plaintext' : 'nothing', tone: 'bad' };
}

function decidedBy({ policy, scope }: Inbound, namespace: string): string {
  if (policy === undefined) return 'no policy: the default';
  const where = policy.namespace === namespace ? '' : `${policy.namespace}/`;
  return `${where}${policy.name} (${scope})`;
}

function whyNotCaptured(workload: Workload): string {
  if (workload.dataplane === 'none') return 'no sidecar';
  return workload.dataplane === 'sidecar' ? 'port left out of the sidecar' : workload.dataplane;
}

/** Clients that fare alike are one line: `Deployment/cart and 3 more`. */
function edgeTable(mesh: Mesh, namespace: string, options: PostureOptions, style: TableStyle): string {
  const blind = blindSpots(mesh, options.namespaces);
  const isBlind = ({ clients, server }: ShownEdge): boolean =>
    clients.some((client) => blind.between(client.namespace, server?.namespace ?? namespace) !== undefined);
  const rows = mesh.services
    .filter((service) => service.namespace === namespace)
    .flatMap((service) => edgesTo(mesh, serviceHost(service.name, namespace, mesh.config.clusterDomain)))
    .map((edge) => ({ ...shownOf(edge), clients: clientsShown(edge, options) }))
    .filter(({ clients }) => clients.length > 0)
    .map((edge) => edgeRow(edge, namespace, isBlind(edge)));
  if (rows.length === 0) return '';
  const columns = [
    { title: 'CLIENTS' },
    { title: 'HOST' },
    { title: 'SERVER' },
    { title: 'SEND' },
    { title: 'OUTCOME' },
  ];
  return renderTable(columns, rows, { ...style, indent: '  ' });
}

type ShownEdge = Pick<
  ClassEdge,
  'clients' | 'host' | 'port' | 'server' | 'serverName' | 'targetPort' | 'sends' | 'outcome'
>;

/** Field by field: a spread copy of an answer loses what it makes when it is asked, its server's name among it. */
function shownOf({
  clients,
  host,
  port,
  server,
  serverName,
  targetPort,
  sends,
  outcome,
}: ClassEdge): ShownEdge {
  const edge = { clients, host, port, serverName, targetPort, sends, outcome };
  return server === undefined ? edge : { ...edge, server };
}

/** With labels asked for: all clients of such a server, else the clients that have them. */
function clientsShown({ server, clients }: ClassEdge, options: PostureOptions): readonly Workload[] {
  if (options.labels === undefined || (server !== undefined && isAsked(options, server))) return clients;
  return clients.filter((client) => isAsked(options, client));
}

const outcomeTone = {
  mtls: 'good',
  tls: 'note',
  plaintext: 'warn',
  refused: 'bad',
} as const satisfies Record<Outcome, Tone>;

function edgeRow(edge: ShownEdge, namespace: string, isBlind: boolean): readonly Cell[] {
  const [first] = edge.clients;
  const more = edge.clients.length > 1 ? ` and ${edge.clients.length - 1} more` : '';
  const server = edge.server === undefined ? edge.serverName : nameIn(edge.server, namespace);
  const head = [
    first === undefined ? '' : `${nameIn(first, namespace)}${more}`,
    `${edge.host.split('.')[0]}:${edge.port}`,
    `${server}:${edge.targetPort}`,
  ];
  if (isBlind) return [...head, '?', '?'];
  return [
    ...head,
    edge.sends === 'istio-mtls' ? 'mTLS' : edge.sends,
    { text: edge.outcome === 'mtls' ? 'mTLS' : edge.outcome, tone: outcomeTone[edge.outcome] },
  ];
}

/** `Deployment/cart`, or `shop/Deployment/cart` seen from another namespace. */
function nameIn(workload: Workload, namespace: string): string {
  const where = workload.namespace === namespace ? '' : `${workload.namespace}/`;
  const variant = workload.variant > 1 ? ` #${workload.variant}` : '';
  return `${where}${workload.kind}/${workload.name}${variant}`;
}

function unseen(mesh: Mesh, style: TableStyle): string {
  return mesh.snapshot.unseen
    .map(({ resource, namespace, reason }) => {
      const where = namespace === undefined ? '' : ` in ${namespace}`;
      return `${paint('not seen:', 'warn', style.color)} ${resource}${where}: ${reason}`;
    })
    .join('\n');
}

/**
 * Istio's metrics as traffic records (istio.io/latest/docs/reference/config/metrics). The labels name the service and not
 * the port, so the port is known where the service leads to one port of the workload only.
 */
import { protocolClass } from '../../istio/protocol.ts';
import { declaredPorts } from '../../mesh/declared-ports.ts';
import { endpointsOf } from '../../mesh/endpoints.ts';
import { portsOf } from '../../mesh/inbound.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import type { Sample } from '../envoy/prometheus.ts';
import type { AddressBook, Party } from './address-book.ts';
import type { Security, SourceName } from './observation.ts';
import type { TrafficRecord } from './record.ts';

const requests = 'istio_requests_total';
const opened = 'istio_tcp_connections_opened_total';
const closed = 'istio_tcp_connections_closed_total';

type Labels = Sample['labels'];

/**
 * @param added what was counted in the window
 * @param totals the readings at its end, to tell which connections are still open; empty where there are none
 */
export function counterRecords(
  source: SourceName,
  mesh: Mesh,
  workload: Workload,
  book: AddressBook,
  added: readonly Sample[],
  totals: readonly Sample[],
): readonly TrafficRecord[] {
  const base = (labels: Labels) => {
    const port = portBehind(mesh, workload, labels);
    return {
      source,
      workloadId: workload.id,
      ...(port === undefined ? {} : { port }),
      security: securityOf(labels),
      sender: senderOf(book, labels, source),
    };
  };
  const counted = added
    .filter(({ name, labels }) => labels.reporter === 'destination' && (name === requests || name === opened))
    .map(
      ({ name, labels, value }): TrafficRecord => ({
        ...base(labels),
        unit: name === requests ? 'requests' : 'connections',
        count: value,
      }),
    );
  const open = stillOpen(totals).map(
    ({ labels, value }): TrafficRecord => ({ ...base(labels), unit: 'connections', count: 0, open: value }),
  );
  return [...counted, ...open];
}

/** Anything that is not mutual TLS is plaintext to STRICT: proxies say `none`, ztunnel says `unknown`. */
function securityOf(labels: Labels): Security {
  return labels.connection_security_policy === 'mutual_tls' ? 'mtls' : 'plaintext';
}

/** A plaintext caller with a sidecar names itself in the request's headers; others are unknown to the counters. */
function senderOf(book: AddressBook, labels: Labels, source: SourceName): Party {
  const name = labels.source_workload ?? 'unknown';
  const namespace = labels.source_workload_namespace ?? 'unknown';
  if (name !== 'unknown' && name !== '' && namespace !== 'unknown') {
    return book.named(namespace, name, `the label source_workload of ${source} says so`);
  }
  return unknownSender('counters know no caller that tells nothing about itself');
}

export function unknownSender(because: string): Party {
  return { kind: 'unknown', name: 'not known', because, meshed: false };
}

/** Opened less closed, without the labels in which the two differ for one connection. */
function stillOpen(
  totals: readonly Sample[],
): readonly { readonly labels: Labels; readonly value: number }[] {
  const balance = new Map<string, { readonly labels: Labels; value: number }>();
  for (const { name, labels, value } of totals) {
    if (labels.reporter !== 'destination' || (name !== opened && name !== closed)) continue;
    const { response_flags: _flags, ...rest } = labels;
    const key = JSON.stringify(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const entry = balance.get(key) ?? { labels: rest, value: 0 };
    entry.value += name === opened ? value : -value;
    balance.set(key, entry);
  }
  return [...balance.values()].filter(({ value }) => value > 0);
}

/** The workload's only port that the labels can mean; undefined where there are several. */
export function portBehind(mesh: Mesh, workload: Workload, labels: Labels): number | undefined {
  const ports = portsOf(mesh, workload).filter((port) => fitsProtocol(mesh, workload, port, labels));
  const host = mesh.hosts.get(labels.destination_service ?? '');
  if (host === undefined) return undefined;
  const behind = new Set(
    host.ports.flatMap((port) =>
      endpointsOf(mesh, host.host, port.port)
        .filter((endpoint) => endpoint.workload?.id === workload.id)
        .map((endpoint) => endpoint.targetPort),
    ),
  );
  const fitting = ports.filter((port) => behind.has(port));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function fitsProtocol(mesh: Mesh, workload: Workload, port: number, labels: Labels): boolean {
  const declared = declaredPorts(mesh, workload).get(port)?.protocol;
  const kind = declared === undefined ? 'auto' : protocolClass(declared);
  return kind === 'auto' || (labels.request_protocol === 'tcp') === (kind === 'TCP');
}

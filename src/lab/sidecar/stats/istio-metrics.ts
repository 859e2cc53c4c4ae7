/**
 * Istio's own metrics: requests and TCP connections with who called whom and how
 * (https://istio.io/latest/docs/reference/config/metrics/). The filter `istio.stats` keeps them in a real proxy.
 */
import { Histogram } from './histogram.ts';

/** The labels that every Istio metric has, in the order in which Istio prints them. */
export interface TrafficLabels {
  readonly reporter: 'source' | 'destination';
  readonly source_workload: string;
  readonly source_canonical_service: string;
  readonly source_canonical_revision: string;
  readonly source_workload_namespace: string;
  readonly source_principal: string;
  readonly source_app: string;
  readonly source_version: string;
  readonly source_cluster: string;
  readonly destination_workload: string;
  readonly destination_workload_namespace: string;
  readonly destination_principal: string;
  readonly destination_app: string;
  readonly destination_version: string;
  readonly destination_service: string;
  readonly destination_canonical_service: string;
  readonly destination_canonical_revision: string;
  readonly destination_service_name: string;
  readonly destination_service_namespace: string;
  readonly destination_cluster: string;
  readonly request_protocol: 'http' | 'grpc' | 'tcp';
  readonly connection_security_policy: 'mutual_tls' | 'none' | 'unknown';
  readonly response_flags: string;
}

export interface RequestLabels extends TrafficLabels {
  readonly response_code: string;
  readonly grpc_response_status: string;
}

/** Labels as Prometheus prints them, without the braces. */
export type LabelText = string;

export class IstioMetrics {
  readonly counters = new Map<string, Map<LabelText, number>>();
  readonly histograms = new Map<string, Map<LabelText, Histogram>>();

  request(labels: RequestLabels, durationMs: number, requestBytes: number, responseBytes: number): void {
    const text = labelText(labels);
    this.#count('istio_requests_total', text, 1);
    this.#record('istio_request_duration_milliseconds', text, durationMs);
    this.#record('istio_request_bytes', text, requestBytes);
    this.#record('istio_response_bytes', text, responseBytes);
  }

  /** @param what `opened` or `closed`; bytes are added when the connection closes. */
  tcpConnection(what: 'opened' | 'closed', labels: TrafficLabels, received = 0, sent = 0): void {
    const text = labelText(labels);
    this.#count(`istio_tcp_connections_${what}_total`, text, 1);
    if (what === 'opened') return;
    this.#count('istio_tcp_received_bytes_total', text, received);
    this.#count('istio_tcp_sent_bytes_total', text, sent);
  }

  #count(name: string, labels: LabelText, by: number): void {
    let series = this.counters.get(name);
    if (series === undefined) {
      series = new Map();
      this.counters.set(name, series);
    }
    series.set(labels, (series.get(labels) ?? 0) + by);
  }

  #record(name: string, labels: LabelText, value: number): void {
    let series = this.histograms.get(name);
    if (series === undefined) {
      series = new Map();
      this.histograms.set(name, series);
    }
    let histogram = series.get(labels);
    if (histogram === undefined) {
      histogram = new Histogram();
      series.set(labels, histogram);
    }
    histogram.record(value);
  }
}

/** A labelled statistic's flat name, as the proxy joins tags into it. */
export function flatName(name: string, labels: LabelText): string {
  const tags = labels.replaceAll(/([a-z_]+)="((?:[^"\\]|\\.)*)",?/g, '$1.$2.').replace(/\.$/, '');
  return `istiocustom.${name}.${tags}`;
}

const order = [
  'reporter',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'source_workload_namespace',
  'source_principal',
  'source_app',
  'source_version',
  'source_cluster',
  'destination_workload',
  'destination_workload_namespace',
  'destination_principal',
  'destination_app',
  'destination_version',
  'destination_service',
  'destination_canonical_service',
  'destination_canonical_revision',
  'destination_service_name',
  'destination_service_namespace',
  'destination_cluster',
  'request_protocol',
  'response_code',
  'grpc_response_status',
  'response_flags',
  'connection_security_policy',
] as const;

function labelText(labels: TrafficLabels | RequestLabels): LabelText {
  const values: Partial<Record<(typeof order)[number], string>> = { ...labels };
  return order
    .filter((name) => values[name] !== undefined)
    .map((name) => `${name}="${escapeLabel(values[name] ?? '')}"`)
    .join(',');
}

/** Prometheus' text format escapes backslash, quote and line feed in label values. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

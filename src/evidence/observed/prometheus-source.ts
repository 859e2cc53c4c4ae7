/**
 * Istio's metrics over a look-back, from Prometheus. `increase` leaves out what a series began with, so a caller that was seen for the
 * first time would count as nothing: such series count from zero.
 */
import type { Sample } from '../envoy/prometheus.ts';
import type { PrometheusClient } from './prometheus-client.ts';

export interface PrometheusReading {
  /** What was added within the window; series that did not move have 0, which tells that they are scraped. */
  readonly added: readonly Sample[];
  /** Opened and closed connections as they stand. */
  readonly totals: readonly Sample[];
  /** It has data from the beginning of the window on. */
  readonly covered: boolean;
}

const requests = 'istio_requests_total';
const opened = 'istio_tcp_connections_opened_total';
const closed = 'istio_tcp_connections_closed_total';

const labels = [
  'reporter',
  'destination_workload',
  'destination_workload_namespace',
  'destination_service',
  'request_protocol',
  'connection_security_policy',
  'source_workload',
  'source_workload_namespace',
].join(', ');

/**
 * @param young the namespaces are younger than the window: that nothing was there before is no gap
 * @throws PadlockError `PROMETHEUS_FAILED`
 */
export async function readPrometheus(
  client: PrometheusClient,
  namespaces: readonly string[],
  windowMs: number,
  young: boolean,
): Promise<PrometheusReading> {
  const window = `${Math.max(1, Math.ceil(windowMs / 1000))}s`;
  const which = `reporter="destination", destination_workload_namespace=~"${namespaces.map(escaped).join('|')}"`;
  // Looked for in the hour before the window: a series that only missed some readings is not a new one.
  const before = (metric: string): string => `last_over_time(${metric}{${which}}[1h] offset ${window})`;
  const [atStart] = await client.query(`count(${before(requests)}) or count(${before(opened)})`);
  const covered = young || (atStart !== undefined && atStart.value > 0);
  const added = async (metric: string): Promise<readonly Sample[]> => {
    const range = `${metric}{${which}}[${window}]`;
    const grown = `increase(${range})`;
    const fresh = `(last_over_time(${range}) unless ${before(metric)})`;
    const samples = await client.query(`sum by (${labels}) (${covered ? `${fresh} or ${grown}` : grown})`);
    return samples.map((sample) => ({ ...sample, name: metric, value: whole(sample.value) }));
  };
  const total = async (metric: string): Promise<readonly Sample[]> => {
    const samples = await client.query(`sum by (${labels}) (${metric}{${which}})`);
    return samples.map((sample) => ({ ...sample, name: metric }));
  };
  const all = [await added(requests), await added(opened)];
  return { added: all.flat(), totals: [...(await total(opened)), ...(await total(closed))], covered };
}

/** `increase` extrapolates to the window's edges, so one request may read as 1.07. Whatever grew grew by one at least. */
function whole(value: number): number {
  return value > 0 ? Math.max(1, Math.round(value)) : 0;
}

/** In a double-quoted string of PromQL, as a regular expression. Names of namespaces hold nothing that needs it. */
function escaped(name: string): string {
  return name.replaceAll(/[^a-z0-9-]/g, '');
}

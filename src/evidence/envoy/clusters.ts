/** Envoy's `/clusters?format=json`: what a client's sidecar counted for each host of each cluster. */
import { asNumber, asObject, asObjects, asText } from '../../sources/json-value.ts';
import { addressText, field, path } from './proto-json.ts';

export interface ClusterHost {
  readonly cluster: string;
  /** `10.77.1.7:8080`, `[fd00::7]:8080`. */
  readonly address: string;
  readonly health: string;
  /** `cx_total`, `cx_connect_fail`, `rq_success`, `rq_error`; Envoy leaves zeroes out, they read 0 here. */
  readonly counters: Readonly<Record<string, number>>;
}

/** @throws SyntaxError where the text is not JSON */
export function parseClusters(text: string): readonly ClusterHost[] {
  const statuses = asObjects(field(asObject(JSON.parse(text)), 'cluster_statuses'));
  return statuses.flatMap((status) => {
    const cluster = asText(field(status, 'name')) ?? '';
    return asObjects(field(status, 'host_statuses')).map((host): ClusterHost => {
      const counters = asObjects(field(host, 'stats')).map((stat): [string, number] => [
        asText(field(stat, 'name')) ?? '',
        asNumber(field(stat, 'value')) ?? 0,
      ]);
      return {
        cluster,
        address: addressText(field(host, 'address')),
        health: asText(path(host, 'health_status', 'eds_health_status')) ?? '',
        counters: Object.fromEntries(counters),
      };
    });
  });
}

/**
 * What a dry run of "refuse whoever has no mesh identity" counted: `denied` came in plaintext. HTTP ports stand in the
 * statistic's name; TCP ports share one.
 */
import type { Workload } from '../../mesh/workload.ts';
import type { Sample } from '../envoy/prometheus.ts';
import { unknownSender } from './counter-records.ts';
import type { TrafficRecord } from './record.ts';

export function dryRunRecords(workload: Workload, added: readonly Sample[]): readonly TrafficRecord[] {
  return added.flatMap(({ name, labels, value }): readonly TrafficRecord[] => {
    const { authz_dry_run_action: action, authz_dry_run_result: result } = labels;
    if (action !== 'deny' || (result !== 'denied' && result !== 'allowed')) return [];
    const http = name.startsWith('envoy_http');
    // `inbound_0.0.0.0_8080`, `inbound_[::]_8080`; `InboundPassthroughCluster` is any port that no Service declares.
    const port = /^inbound_.*_(\d+);?$/.exec(labels.http_conn_manager_prefix ?? '')?.[1];
    return [
      {
        source: 'dry run',
        workloadId: workload.id,
        ...(port === undefined ? {} : { port: Number(port) }),
        security: result === 'denied' ? 'plaintext' : 'mtls',
        unit: http ? 'requests' : 'connections',
        count: value,
        sender: unknownSender('a dry run counts, and names nobody'),
      },
    ];
  });
}

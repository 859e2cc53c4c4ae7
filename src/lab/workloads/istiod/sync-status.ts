/** Who has what of the control plane's configuration: as JSON, for `/debug/syncz`, and as istioctl reads it. */

import { istioVersion } from '../../istio-version.ts';
import type { ProxyStatus } from '../../istiod/istiod.ts';
import { any, message, struct } from './wire.ts';

/** @returns what `GET /debug/syncz` answers. */
export function synczJson(status: readonly ProxyStatus[]): string {
  const entries = status.map(({ proxy, sent, acknowledged = '' }) => ({
    cluster_id: 'Kubernetes',
    proxy,
    proxy_type: 'sidecar',
    istio_version: istioVersion,
    cluster_sent: sent,
    cluster_acked: acknowledged,
    listener_sent: sent,
    listener_acked: acknowledged,
    route_sent: sent,
    route_acked: acknowledged,
    endpoint_sent: sent,
    endpoint_acked: acknowledged,
  }));
  return JSON.stringify(entries, null, 2);
}

/** What a sidecar of the lab is sent, all at once. */
const resourceTypes = [
  'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  'type.googleapis.com/envoy.config.listener.v3.Listener',
  'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
] as const;

/** envoy.service.status.v3.ConfigStatus */
const configStatus = { synced: 1, notSent: 2, stale: 3 } as const;

/** @returns one proxy as an envoy.service.status.v3.ClientConfig in a google.protobuf.Any. */
export function clientConfig({ proxy, sent, acknowledged }: ProxyStatus): Buffer {
  const state =
    sent === '' ? configStatus.notSent : sent === acknowledged ? configStatus.synced : configStatus.stale;
  const namespace = proxy.slice(proxy.lastIndexOf('.') + 1);
  const node = message(
    [1, proxy],
    [3, struct({ CLUSTER_ID: 'Kubernetes', NAMESPACE: namespace, ISTIO_VERSION: istioVersion })],
  );
  return any(
    'type.googleapis.com/envoy.service.status.v3.ClientConfig',
    message(
      [1, node],
      ...resourceTypes.map((type) => [3, message([1, type], [3, sent], [6, state])] as const),
    ),
  );
}

/** Everything that one proxy is told by the control plane at a time: what /config_dump prints is these very objects. */
import type { ClusterConfig, ClusterLoadAssignment } from './cluster.ts';
import type { ListenerConfig } from './listener.ts';
import type { RouteConfiguration } from './route.ts';

/** Who a workload is, in the words of Istio's metrics. */
export interface WorkloadMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  readonly serviceAccount: string;
  readonly cluster: string;
}

/** Each map is by resource name. Resources that did not change are the same objects as in the configuration before. */
export interface ProxyConfig {
  /** As istiod numbers its pushes: `2026-11-24T02:38:45Z/135`. */
  readonly version: string;
  readonly listeners: ReadonlyMap<string, ListenerConfig>;
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  readonly endpoints: ReadonlyMap<string, ClusterLoadAssignment>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  /** Workloads by pod address, for the labels of metrics. */
  readonly workloads: ReadonlyMap<string, WorkloadMetadata>;
  readonly trustDomain: string;
}

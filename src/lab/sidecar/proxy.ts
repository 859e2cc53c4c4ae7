/** What every part of one running sidecar shares. */
import type { ProxyConfig, WorkloadMetadata } from './config/proxy-config.ts';
import type { RouteConfiguration } from './config/route.ts';
import type { SidecarHost } from './sidecar.ts';
import type { IstioMetrics } from './stats/istio-metrics.ts';
import type { Stats } from './stats/stats.ts';
import type { Secrets } from './tls/secrets.ts';
import type { Cluster } from './upstream/cluster.ts';

/** Who this proxy is: Envoy's node, the parts that are used. */
export interface ProxyNode {
  /** `sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.cluster.local` */
  readonly id: string;
  readonly podName: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: WorkloadMetadata;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ProxyRuntime {
  readonly host: SidecarHost;
  readonly node: ProxyNode;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 up to 1, for back-off and weights. */
  readonly random: () => number;
  readonly drainMs: number;
  readonly stats: Stats;
  readonly metrics: IstioMetrics;
  readonly secrets: Secrets;
  /** The configuration that is loaded; undefined before the first. */
  config(): ProxyConfig | undefined;
  cluster(name: string): Cluster | undefined;
  routes(name: string): RouteConfiguration | undefined;
}

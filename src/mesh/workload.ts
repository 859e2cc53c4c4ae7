/** A workload: the pods of one owner that are alike in everything that Istio's mutual TLS looks at. */
import type { PodTemplate } from '../istio/pod.ts';
import type { Reason } from './reason.ts';
import type { Origin } from './snapshot.ts';

/**
 * What stands between the network and the application: a `sidecar`, a `gateway` (a proxy of its own, to which
 * PeerAuthentication does not apply), `ambient` (ztunnel), a `waypoint`, or nothing (`none`).
 */
export type Dataplane = 'sidecar' | 'gateway' | 'ambient' | 'waypoint' | 'none';

/** One pod of a workload: the few facts in which the pods of one workload differ. */
export interface WorkloadPod {
  readonly name: string;
  readonly ips: readonly string[];
  readonly ready: boolean;
  readonly phase: string;
  readonly deleting: boolean;
  readonly origin: Origin;
}

/**
 * Pods of one owner with the same labels, annotations that matter, service account, ports and proxy. An owner whose pods
 * differ (a rollout half done: some pods with a sidecar) is several workloads of one name and different `variant`.
 */
export interface Workload extends PodTemplate {
  /** `NAMESPACE/KIND/NAME`, with `#2`, `#3`, ... for further variants. Stable between snapshots unless the variants change. */
  readonly id: string;
  readonly namespace: string;
  /** The owner that a person knows: Deployment, StatefulSet, DaemonSet, CronJob, Job, ..., Pod, WorkloadEntry. */
  readonly kind: string;
  readonly name: string;
  readonly variant: number;
  readonly dataplane: Dataplane;
  /** Why `dataplane` is what it is. */
  readonly dataplaneBecause: readonly Reason[];
  /** The control plane's revision that serves the proxy; `default` when nothing says otherwise. */
  readonly revision: string;
  /** Empty for a workload known by its template only. */
  readonly pods: readonly WorkloadPod[];
  /** `template`: no pod was seen, the owner's pod template stands for them and `dataplane` is what injection would do. */
  readonly from: 'pods' | 'template' | 'workload-entry';
  readonly origin: Origin;
}

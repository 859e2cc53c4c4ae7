/** What of a pod object decides what its sidecar's records can say. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asNumber, asObjects, asText, dig } from '../../sources/json-value.ts';
import { podAddresses } from './address-book.ts';

export interface ProxyPod {
  readonly workload: Workload;
  readonly namespace: string;
  readonly name: string;
  readonly addresses: ReadonlySet<string>;
  /** When the sidecar's container started, in milliseconds since the epoch. */
  readonly proxyStartedAt: number | undefined;
  readonly proxyRestarts: number;
}

/** The running pods behind sidecars, by `NAMESPACE/NAME`. */
export function proxyPods(mesh: Mesh, workloads: readonly Workload[]): ReadonlyMap<string, ProxyPod> {
  const objects = new Map<string, KubeObject>();
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind === 'Pod') objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  }
  const pods = new Map<string, ProxyPod>();
  for (const workload of workloads) {
    if (workload.dataplane !== 'sidecar' || workload.from !== 'pods') continue;
    for (const { name, phase, ips } of workload.pods) {
      if (phase !== 'Running') continue;
      const object = objects.get(`${workload.namespace}/${name}`);
      pods.set(`${workload.namespace}/${name}`, {
        workload,
        namespace: workload.namespace,
        name,
        addresses: new Set(object === undefined ? ips : podAddresses(object)),
        ...proxyStart(object),
      });
    }
  }
  return pods;
}

function proxyStart(pod: KubeObject | undefined): Pick<ProxyPod, 'proxyStartedAt' | 'proxyRestarts'> {
  const statuses = ['containerStatuses', 'initContainerStatuses'].flatMap((list) =>
    asObjects(dig(pod, 'status', list)),
  );
  const proxy = statuses.find(({ name }) => name === 'istio-proxy');
  return {
    proxyStartedAt: parseTime(asText(dig(proxy, 'state', 'running', 'startedAt'))),
    proxyRestarts: asNumber(proxy?.restartCount) ?? 0,
  };
}

function parseTime(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Pods that have an Envoy of their own, and what of their objects decides what its records can say. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asNumber, asObjects, asText, dig } from '../../sources/json-value.ts';

export interface ProxyPod {
  readonly workload: Workload;
  readonly namespace: string;
  readonly name: string;
  readonly addresses: ReadonlySet<string>;
  readonly ready: boolean;
  readonly deleting: boolean;
  /** When the proxy's container started, in milliseconds since the epoch. */
  readonly proxyStartedAt: number | undefined;
  readonly proxyRestarts: number;
}

const withEnvoy: ReadonlySet<Workload['dataplane']> = new Set(['sidecar', 'gateway', 'waypoint']);

/** The running pods with an Envoy among the workloads' ones; those that are being deleted are left out. */
export function podsWithProxy(mesh: Mesh, workloads: readonly Workload[]): readonly ProxyPod[] {
  return runningPods(
    mesh,
    workloads.filter(({ dataplane }) => withEnvoy.has(dataplane)),
  ).filter(({ deleting }) => !deleting);
}

/** The running pods behind sidecars, by `NAMESPACE/NAME`. */
export function proxyPods(mesh: Mesh, workloads: readonly Workload[]): ReadonlyMap<string, ProxyPod> {
  const pods = runningPods(
    mesh,
    workloads.filter(({ dataplane }) => dataplane === 'sidecar'),
  );
  return new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
}

function runningPods(mesh: Mesh, workloads: readonly Workload[]): readonly ProxyPod[] {
  const objects = new Map<string, KubeObject>();
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind === 'Pod') objects.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  }
  return workloads
    .filter(({ from }) => from === 'pods')
    .flatMap((workload) =>
      workload.pods
        .filter(({ phase }) => phase === 'Running')
        .map(({ name, ips, ready, deleting }) => {
          const { namespace } = workload;
          const object = objects.get(`${namespace}/${name}`);
          const addresses = new Set(object === undefined ? ips : podAddresses(object));
          return { workload, namespace, name, addresses, ready, deleting, ...proxyStart(object) };
        }),
    );
}

export function podAddresses(pod: KubeObject): readonly string[] {
  const listed = asObjects(dig(pod, 'status', 'podIPs')).map((entry) => asText(entry.ip));
  const all = [asText(dig(pod, 'status', 'podIP')), ...listed];
  return [...new Set(all)].filter((address) => address !== undefined).filter((address) => address !== '');
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

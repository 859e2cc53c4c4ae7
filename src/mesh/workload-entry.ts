/** A WorkloadEntry seen as a workload: a machine outside Kubernetes that joined the mesh, or one that is only listed. */
import { tlsModeLabel } from '../istio/auto-mtls.ts';
import type { WorkloadEntry } from '../istio/service-entry.ts';
import type { Read } from './mesh.ts';
import type { Workload } from './workload.ts';

/** What an endpoint outside Kubernetes says of mutual TLS: its label, else a service account stands for a sidecar. */
export function externalTlsMode(endpoint: Pick<WorkloadEntry, 'labels' | 'serviceAccount'>): string {
  return endpoint.labels[tlsModeLabel] ?? (endpoint.serviceAccount === '' ? 'disabled' : 'istio');
}

export function workloadOfEntry(entry: Read<WorkloadEntry>): Omit<Workload, 'id' | 'variant'> {
  const inMesh = externalTlsMode(entry) === 'istio';
  return {
    namespace: entry.namespace,
    kind: 'WorkloadEntry',
    name: entry.name,
    labels: entry.labels,
    annotations: entry.annotations,
    serviceAccount: entry.serviceAccount,
    hostNetwork: false,
    ports: [...entry.ports].map(([name, port]) => ({
      name,
      port,
      protocol: 'TCP',
      protocolWritten: true,
      container: '',
    })),
    containers: [],
    nativeSidecars: [],
    proxyArgs: [],
    dataplane: inMesh ? 'sidecar' : 'none',
    dataplaneBecause: [
      {
        text: inMesh
          ? 'the WorkloadEntry has a service account (or the label security.istio.io/tlsMode=istio): Istio takes it for a machine with a sidecar'
          : 'the WorkloadEntry has no service account: Istio takes it for a machine without a sidecar',
        resource: entry.ref,
        field: 'spec.serviceAccount',
      },
    ],
    revision: entry.labels['istio.io/rev'] ?? 'default',
    pods: [
      {
        name: entry.name,
        ips: [entry.address],
        ready: true,
        phase: '',
        deleting: false,
        origin: entry.origin,
      },
    ],
    from: 'workload-entry',
    origin: entry.origin,
  };
}

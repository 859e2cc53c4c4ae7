/** Which Services send to a workload, and to which of its ports: by selector, as Kubernetes makes endpoints. */
import type { Service, ServicePort } from '../../istio/service.ts';
import type { Mesh, Read } from '../mesh.ts';
import type { Workload } from '../workload.ts';
import { selectedWorkloads } from './selected-workloads.ts';

/** A Service's port, and the workload's port behind it; undefined when the port's name is no container port's. */
export interface ServedPort {
  readonly service: Read<Service>;
  readonly port: ServicePort;
  readonly targetPort: number | undefined;
}

const indexes = new WeakMap<Mesh, ReadonlyMap<Workload, readonly ServedPort[]>>();

/** Every Service port that leads to a workload. */
export function servicesOf(mesh: Mesh, workload: Workload): readonly ServedPort[] {
  let index = indexes.get(mesh);
  if (index === undefined) {
    index = buildIndex(mesh);
    indexes.set(mesh, index);
  }
  return index.get(workload) ?? [];
}

function buildIndex(mesh: Mesh): ReadonlyMap<Workload, readonly ServedPort[]> {
  const index = new Map<Workload, ServedPort[]>();
  for (const service of mesh.services) {
    if (service.selector === undefined || service.type === 'ExternalName') continue;
    for (const workload of selectedWorkloads(mesh, service.namespace, service.selector)) {
      let served = index.get(workload);
      if (served === undefined) {
        served = [];
        index.set(workload, served);
      }
      for (const port of service.ports) {
        served.push({ service, port, targetPort: resolveTargetPort(port, workload) });
      }
    }
  }
  return index;
}

/** A named target port is looked up among the pod's container ports (Kubernetes, Service `targetPort`). */
export function resolveTargetPort(port: ServicePort, workload: Workload): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort;
  return workload.ports.find(({ name }) => name === port.targetPort)?.port;
}

/** From a Service's port to the container port behind it. */
import type { ServicePort } from '../istio/service.ts';
import type { Workload } from './workload.ts';

/** The container port that a Service port goes to on this workload; undefined where no container has a port of that name. */
export function targetPortOf(workload: Workload, port: ServicePort): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort;
  return workload.ports.find(
    (candidate) => candidate.name === port.targetPort && candidate.protocol === port.protocol,
  )?.port;
}

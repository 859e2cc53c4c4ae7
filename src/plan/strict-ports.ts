/** Which ports STRICT would close to plaintext, and the workloads that a plan is about. */
import { inboundCapture } from '../istio/capture.ts';
import { modeOfPort } from '../istio/effective-mode.ts';
import type { Service, ServicePort } from '../istio/service.ts';
import { injectionOf } from '../mesh/findings/mesh-membership.ts';
import { selectedWorkloads } from '../mesh/findings/selected-workloads.ts';
import { composedMode } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { targetPortOf } from '../mesh/target-port.ts';
import type { Workload } from '../mesh/workload.ts';
import type { ExceptionPort } from './breaker.ts';

/**
 * True for what has a sidecar, and for what gets one when the namespace is injected: a plan looks ahead to both.
 * Gateways and ambient workloads follow other rules, and a pod that opts out stays outside.
 */
export function willHaveSidecar(mesh: Mesh, workload: Workload): boolean {
  if (workload.dataplane === 'sidecar') return true;
  if (workload.dataplane !== 'none' || workload.from === 'workload-entry') return false;
  const { cause } = injectionOf(mesh, workload);
  return cause !== 'pod-label-false' && cause !== 'pod-annotation-false' && cause !== 'host-network';
}

/** Whether the port would refuse plaintext, once its workload has a sidecar. */
export function wouldRefusePlaintext(target: Mesh, workload: Workload, port: number): boolean {
  return (
    willHaveSidecar(target, workload) &&
    inboundCapture(workload.annotations, port).captured &&
    modeOfPort(composedMode(target, workload), port).mode === 'STRICT'
  );
}

/** The container ports behind a Service's port that would refuse plaintext. */
export function closedPortsBehind(
  target: Mesh,
  service: Pick<Service, 'namespace' | 'selector'>,
  port: ServicePort,
): readonly ExceptionPort[] {
  if (service.selector === undefined || port.protocol === 'UDP') return [];
  return selectedWorkloads(target, service.namespace, service.selector).flatMap((workload) => {
    const container = targetPortOf(workload, port);
    return container !== undefined && wouldRefusePlaintext(target, workload, container)
      ? [{ workload, port: container }]
      : [];
  });
}

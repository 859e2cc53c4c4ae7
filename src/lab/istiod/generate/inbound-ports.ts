/** Which ports of a pod are declared, and as what: by the Services that select it, or by a Sidecar resource. */
import type { Pod } from '../../../istio/pod.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import type { SidecarResource } from '../../../istio/sidecar-resource.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import { declaredProtocol, type PortProtocol } from '../model/protocol.ts';
import { targetPortIn } from '../model/service-endpoints.ts';

export interface InboundPort {
  readonly targetPort: number;
  readonly servicePort: number;
  readonly protocol: PortProtocol;
  /** The service that declares it first. */
  readonly host: string;
  readonly services: readonly { readonly host: string; readonly name: string; readonly namespace: string }[];
}

/** Only Services of the pod's own namespace count; of several on one port the oldest decides the protocol. */
export function inboundPorts(
  model: MeshModel,
  pod: Pod,
  sidecar: SidecarResource | undefined,
): readonly InboundPort[] {
  if (sidecar !== undefined && sidecar.ingress.length > 0) return ingressPorts(sidecar, pod);
  const ports = new Map<number, InboundPort>();
  for (const service of model.services) {
    if (service.namespace !== pod.namespace || service.selector === undefined) continue;
    if (!matchesLabels(service.selector, pod.labels)) continue;
    const { host, name, namespace } = service;
    for (const port of service.ports) {
      if (port.protocol === 'UDP') continue;
      const targetPort = targetPortIn(pod, port);
      if (targetPort === undefined) continue;
      const known = ports.get(targetPort);
      const self = { host, name, namespace };
      if (known === undefined) {
        ports.set(targetPort, {
          targetPort,
          servicePort: port.port,
          protocol: port.protocol,
          host,
          services: [self],
        });
      } else if (!known.services.some((other) => other.host === host)) {
        ports.set(targetPort, { ...known, services: [...known.services, self] });
      }
    }
  }
  return [...ports.values()];
}

function ingressPorts(sidecar: SidecarResource, pod: Pod): readonly InboundPort[] {
  return sidecar.ingress.map(({ port, protocol, name }) => {
    const host = `${sidecar.name}.${pod.namespace}`;
    return {
      targetPort: port,
      servicePort: port,
      protocol: declaredProtocol(protocol, name),
      host,
      services: [{ host, name: sidecar.name, namespace: pod.namespace }],
    };
  });
}

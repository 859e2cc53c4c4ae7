/** The pods behind a Service, with the ports that its target ports come to in each of them. Pure. */

import type { KubeObject } from '../../istio/kubernetes.ts';
import {
  asPod,
  type Container,
  isDeleting,
  isPodFinished,
  isPodReady,
  type PodObject,
} from '../kinds/pod.ts';
import type { ServiceObject, SliceEndpoint, SlicePort } from '../kinds/service.ts';

/** Endpoints that share their ports: one slice, or several where there are many. */
export interface EndpointGroup {
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** @param pods all pods of the service's namespace */
export function endpointGroups(
  service: ServiceObject,
  pods: readonly KubeObject[],
): readonly EndpointGroup[] {
  const selector = Object.entries(service.spec.selector ?? {});
  const groups = new Map<string, { ports: readonly SlicePort[]; endpoints: SliceEndpoint[] }>();
  for (const object of pods) {
    const pod = asPod(object);
    if (!selector.every(([key, value]) => pod.metadata.labels?.[key] === value)) continue;
    const endpoint = endpointOf(service, pod);
    if (endpoint === undefined) continue;
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpoint);
  }
  return [...groups.values()];
}

function endpointOf(service: ServiceObject, pod: PodObject): SliceEndpoint | undefined {
  const address = pod.status?.podIP;
  if (address === undefined || address === '' || isPodFinished(pod)) return undefined;
  const serving = isPodReady(pod);
  const terminating = isDeleting(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const named = pod.spec.hostname !== undefined && pod.spec.subdomain === service.metadata.name;
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(named ? { hostname: pod.spec.hostname ?? '' } : {}),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

/** A port whose name no container of the pod has is left out, as the endpoint slice controller does. */
function portsOf(service: ServiceObject, pod: PodObject): readonly SlicePort[] {
  const ports: SlicePort[] = [];
  for (const { name = '', port, protocol = 'TCP', targetPort = port, appProtocol } of service.spec.ports ??
    []) {
    const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort, protocol);
    if (number === undefined) continue;
    ports.push({ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

/** The number of a container port by its name; init containers count where they keep running. */
export function namedPort(pod: PodObject, name: string, protocol = 'TCP'): number | undefined {
  const native = (pod.spec.initContainers ?? []).filter((item: Container) => item.restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...native]) {
    const found = container.ports?.find(
      (port) => port.name === name && (port.protocol ?? 'TCP') === protocol,
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

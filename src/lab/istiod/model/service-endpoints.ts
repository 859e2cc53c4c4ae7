/** The endpoints behind a service port, with what istiod knows about each. */
import type { StringMap } from '../../../istio/fields.ts';
import type { Pod } from '../../../istio/pod.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import type { ExternalEndpoint } from '../../../istio/service-entry.ts';
import type { MeshModel } from './mesh-model.ts';
import type { MeshService, MeshServicePort } from './mesh-service.ts';

export interface MeshEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly namespace: string;
  readonly labels: StringMap;
  /** '' where nobody knows it. */
  readonly serviceAccount: string;
  /** The label security.istio.io/tlsMode; `disabled` where there is none. */
  readonly tlsMode: string;
  readonly pod?: Pod;
}

const tlsModeLabel = 'security.istio.io/tlsMode';

/** Ready endpoints of one port of the service. */
export function endpointsOf(
  model: MeshModel,
  service: MeshService,
  port: MeshServicePort,
): readonly MeshEndpoint[] {
  return service.entry === undefined ? fromSlices(model, service, port) : fromEntry(model, service, port);
}

function fromSlices(model: MeshModel, service: MeshService, port: MeshServicePort): readonly MeshEndpoint[] {
  const endpoints: MeshEndpoint[] = [];
  for (const slice of model.slices.get(`${service.namespace}/${service.name}`) ?? []) {
    const target = slice.ports.find((item) => item.name === port.name);
    if (target === undefined) continue;
    for (const { addresses, ready } of slice.endpoints) {
      if (!ready && !service.publishNotReady) continue;
      for (const ip of addresses) endpoints.push(podEndpoint(model, ip, target.port, service.namespace));
    }
  }
  return endpoints;
}

/** An address without a pod behind it is not in the mesh. */
function podEndpoint(model: MeshModel, ip: string, port: number, namespace: string): MeshEndpoint {
  const pod = model.podsByIp.get(ip);
  if (pod === undefined) {
    return { ip, port, namespace, labels: {}, serviceAccount: '', tlsMode: 'disabled' };
  }
  return {
    ip,
    port,
    namespace: pod.namespace,
    labels: pod.labels,
    serviceAccount: pod.serviceAccount,
    tlsMode: pod.labels[tlsModeLabel] ?? 'disabled',
    pod,
  };
}

function fromEntry(model: MeshModel, service: MeshService, port: MeshServicePort): readonly MeshEndpoint[] {
  const { entry, namespace } = service;
  if (entry === undefined) return [];
  const number = typeof port.targetPort === 'number' ? port.targetPort : port.port;
  const external = (endpoint: ExternalEndpoint): MeshEndpoint => ({
    ip: endpoint.address,
    port: endpoint.ports.get(port.name) ?? number,
    namespace,
    labels: endpoint.labels,
    serviceAccount: endpoint.serviceAccount,
    tlsMode: endpoint.labels[tlsModeLabel] ?? (endpoint.serviceAccount === '' ? 'disabled' : 'istio'),
  });
  const selector = entry.selector.labels;
  if (selector !== undefined) {
    return [
      ...model.workloadEntries
        .filter((item) => item.namespace === namespace && matchesLabels(selector, item.labels))
        .map(external),
      ...model.pods
        .filter((pod) => pod.namespace === namespace && matchesLabels(selector, pod.labels))
        .flatMap((pod) => pod.ips.slice(0, 1).map((ip) => podEndpoint(model, ip, number, namespace))),
    ];
  }
  if (entry.endpoints.length > 0) return entry.endpoints.map(external);
  if (service.resolution !== 'dns') return [];
  return [{ ip: service.host, port: number, namespace, labels: {}, serviceAccount: '', tlsMode: 'disabled' }];
}

/** The container's port that a service port leads to in this pod; undefined where the pod has no port of that name. */
export function targetPortIn(pod: Pod, port: MeshServicePort): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort;
  return pod.ports.find((item) => item.name === port.targetPort)?.port;
}

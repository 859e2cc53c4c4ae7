/**
 * The lab's own answers for a snapshot, in the rows of the golden files. istiod was asked there with manifests that no
 * API server had seen and without a cluster domain, which shows in three places: short host names in its rules came to
 * nothing; a named target port was not found, because Kubernetes compares protocols and the containers' ports had none;
 * and calls to headless services went to the service's own cluster, past VirtualServices.
 */
import { isFields } from '../../../istio/fields.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Pod } from '../../../istio/pod.ts';
import type { ProxyConfig } from '../../sidecar/config/proxy-config.ts';
import { ConfigGenerator, Interner } from '../generate/proxy-config.ts';
import { buildMeshModel, type MeshModel } from '../model/mesh-model.ts';
import { isHttp } from '../model/protocol.ts';
import { endpointsOf } from '../model/service-endpoints.ts';
import { arrive, type Wire, walkInbound, walkOutbound } from './walk-config.ts';

export interface GoldenInbound {
  readonly pod: string;
  readonly port: number;
  readonly mtls: boolean;
  readonly plaintext: boolean;
}

export interface GoldenEdge {
  readonly client: string;
  readonly host: string;
  readonly port: number;
  readonly server: string;
  readonly targetPort: number;
  readonly sends: Wire;
  readonly outcome: string;
}

/** A port that nobody declares. */
const undeclaredPort = 4321;

export function goldenRows(objects: readonly KubeObject[]): {
  readonly inbound: readonly GoldenInbound[];
  readonly edges: readonly GoldenEdge[];
} {
  const model = buildMeshModel(objects.map(asUndefaulted), '');
  const generator = new ConfigGenerator(model, new Interner());
  const configs = new Map<Pod, ProxyConfig>();
  for (const pod of model.pods) {
    if ('sidecar.istio.io/status' in pod.annotations) configs.set(pod, generator.configFor(pod, 'test/1'));
  }
  const inbound = [...configs].flatMap(([pod, config]) =>
    [...new Set([...pod.ports.map(({ port }) => port), undeclaredPort])].map((port) => ({
      pod: nameOf(pod),
      port,
      ...walkInbound(config, pod, port),
    })),
  );
  return { inbound, edges: model.pods.flatMap((client) => edgesFrom(model, configs, client)) };
}

function edgesFrom(
  model: MeshModel,
  configs: ReadonlyMap<Pod, ProxyConfig>,
  client: Pod,
): readonly GoldenEdge[] {
  const edges: GoldenEdge[] = [];
  for (const service of model.services) {
    for (const port of service.ports) {
      for (const endpoint of endpointsOf(model, service, port)) {
        const server = endpoint.pod;
        if (server === undefined || server === client) continue;
        const sends = walkOutbound({ config: configs.get(client), pod: client, service, port, endpoint });
        if (sends === undefined) continue;
        const http = isHttp(port.protocol) || port.protocol === 'AUTO';
        edges.push({
          client: nameOf(client),
          host: service.host,
          port: port.port,
          server: nameOf(server),
          targetPort: endpoint.port,
          sends,
          outcome: arrive(configs.get(server), server, endpoint.port, sends, http),
        });
      }
    }
  }
  return edges;
}

/** A pod as istiod finds its ports: a port without a protocol answers to no name. */
function asUndefaulted(object: KubeObject): KubeObject {
  if (object.kind !== 'Pod' || !isFields(object.spec)) return object;
  const containers = Array.isArray(object.spec.containers) ? object.spec.containers : [];
  return { ...object, spec: { ...object.spec, containers: containers.map(withoutPortNames) } };
}

function withoutPortNames(container: unknown): unknown {
  if (!isFields(container) || !Array.isArray(container.ports)) return container;
  const ports = container.ports.map((port: unknown) => {
    if (!isFields(port) || port.protocol !== undefined) return port;
    const { name: _name, ...rest } = port;
    return rest;
  });
  return { ...container, ports };
}

function nameOf(pod: Pod): string {
  return `${pod.namespace}/${pod.name}`;
}

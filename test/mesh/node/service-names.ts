/** Services and their endpoints, kept as they are, for the node's DNS server. */
import type { KubeObject } from '../../../src/istio/kubernetes.ts';
import type { Cluster, ResourceType } from '../../../src/sources/cluster.ts';
import { asList, asText, dig } from '../../../src/sources/json-value.ts';
import type { Names } from './dns.ts';
import { NodeApi } from './node-api.ts';

const services: ResourceType = { group: '', version: 'v1', plural: 'services', namespaced: true };
const slices: ResourceType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  namespaced: true,
};

export function watchNames(cluster: Cluster, signal: AbortSignal, onError: (error: unknown) => void): Names {
  const api = new NodeApi(cluster);
  const known = [keep(api, services, signal, onError), keep(api, slices, signal, onError)] as const;
  return {
    resolve(name) {
      const [hostname, rest] = split(name);
      const service = known[0].get(rest);
      if (service === undefined) return undefined;
      const external = asText(dig(service.spec, 'externalName'));
      if (external !== undefined) return undefined;
      const address = asText(dig(service.spec, 'clusterIP'));
      if (address !== undefined && address !== 'None') return hostname === undefined ? [address] : undefined;
      const own = [...known[1].values()].filter(
        (slice) =>
          `${slice.metadata.labels?.['kubernetes.io/service-name']}.${slice.metadata.namespace}` === rest,
      );
      const endpoints = own.flatMap((slice) => asList(dig(slice, 'endpoints')));
      const found = endpoints.filter(
        (endpoint) => hostname === undefined || asText(dig(endpoint, 'hostname')) === hostname,
      );
      const addresses = found.flatMap((endpoint) => asList(dig(endpoint, 'addresses'))).map(String);
      return hostname !== undefined && addresses.length === 0 ? undefined : addresses;
    },
  };
}

/** `[HOSTNAME.]SERVICE.NAMESPACE.svc.cluster.local` */
function split(name: string): readonly [string | undefined, string] {
  const labels = name.endsWith('.svc.cluster.local') ? name.split('.').slice(0, -3) : [];
  if (labels.length === 3) return [labels[0], `${labels[1]}.${labels[2]}`];
  return [undefined, labels.join('.')];
}

function keep(
  api: NodeApi,
  type: ResourceType,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): ReadonlyMap<string, KubeObject> {
  const objects = new Map<string, KubeObject>();
  const follow = async (): Promise<void> => {
    for await (const events of api.changes(type, signal)) {
      for (const event of events) {
        if (event.type === 'ERROR' || event.type === 'BOOKMARK') continue;
        const { name, namespace } = event.object.metadata;
        if (event.type === 'DELETED') objects.delete(`${name}.${namespace}`);
        else objects.set(`${name}.${namespace}`, event.object);
      }
    }
  };
  follow().catch(onError);
  return objects;
}

/**
 * What kube-proxy and cluster DNS know: Services and their EndpointSlices. Kept up to date by the API server's
 * watch; read by the virtual network for every connection and every name.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import {
  asEndpointSlice,
  asService,
  type EndpointSliceObject,
  type ServiceObject,
  type SliceEndpoint,
  serviceNameLabel,
} from '../kinds/service.ts';
import type { Endpoint } from './network.ts';

export type DnsAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'alias'; readonly name: string };

export interface ServiceTable {
  /** A service address becomes one of its ready endpoints; any other address stays. `no-endpoint` is kube-proxy's REJECT. */
  route(from: string, to: Endpoint): Endpoint | 'no-endpoint';
  /** The DNS record of a service, or of one host behind a headless one. Undefined: no such name. */
  lookUp(namespace: string, service: string, host: string | undefined): DnsAnswer | undefined;
}

export interface ServiceBook extends ServiceTable {
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
}

/** Keeps a book in step with the API server. @returns the book, and the function that ends the watch. */
export function watchServices(api: Api): { readonly table: ServiceTable; close(): void } {
  const book = createServiceBook();
  const close = api.watch(
    ['services', 'endpointslices.discovery.k8s.io'],
    ({ type, object }) => (type === 'DELETED' ? book.remove(object) : book.put(object)),
    { initial: true },
  );
  return { table: book, close };
}

/** An empty book. */
export function createServiceBook(): ServiceBook {
  const services = new Map<string, ServiceObject>();
  const byAddress = new Map<string, string>();
  const slices = new Map<string, Map<string, EndpointSliceObject>>();
  let turn = 0;

  const slicesOf = (key: string): readonly EndpointSliceObject[] => [...(slices.get(key)?.values() ?? [])];

  return {
    put(object) {
      if (object.kind === 'Service') {
        const service = asService(object);
        const key = keyOf(object, object.metadata.name);
        forget(services.get(key), byAddress);
        services.set(key, service);
        if (hasAddress(service)) byAddress.set(service.spec.clusterIP ?? '', key);
        return;
      }
      const slice = asEndpointSlice(object);
      const key = keyOf(slice, slice.metadata.labels?.[serviceNameLabel] ?? '');
      const known = slices.get(key) ?? new Map<string, EndpointSliceObject>();
      slices.set(key, known.set(slice.metadata.name, slice));
    },
    remove(object) {
      if (object.kind === 'Service') {
        const key = keyOf(object, object.metadata.name);
        forget(services.get(key), byAddress);
        services.delete(key);
        return;
      }
      slices
        .get(keyOf(object, object.metadata.labels?.[serviceNameLabel] ?? ''))
        ?.delete(object.metadata.name);
    },
    route(from, to) {
      const key = byAddress.get(to.ip);
      const service = key === undefined ? undefined : services.get(key);
      if (key === undefined || service === undefined) return to;
      const port = service.spec.ports?.find((item) => item.port === to.port);
      if (port === undefined) return 'no-endpoint';
      const targets = targetsOf(slicesOf(key), port.name ?? '');
      turn += 1;
      const sticky = service.spec.sessionAffinity === 'ClientIP';
      return targets[(sticky ? numberOf(from) : turn) % Math.max(targets.length, 1)] ?? 'no-endpoint';
    },
    lookUp(namespace, name, host) {
      const key = `${namespace}/${name}`;
      const service = services.get(key);
      if (service === undefined) return undefined;
      const { type, externalName, clusterIP } = service.spec;
      if (type === 'ExternalName' && externalName !== undefined) {
        return host === undefined ? { kind: 'alias', name: externalName } : undefined;
      }
      const headless = clusterIP === 'None';
      if (!headless) {
        return host === undefined && hasAddress(service)
          ? { kind: 'addresses', addresses: [clusterIP ?? ''] }
          : undefined;
      }
      const endpoints = slicesOf(key)
        .flatMap((slice) => slice.endpoints ?? [])
        .filter(isReady);
      const found = host === undefined ? endpoints : endpoints.filter((item) => hostOf(item) === host);
      return { kind: 'addresses', addresses: found.flatMap((item) => item.addresses) };
    },
  };
}

function keyOf(object: KubeObject, service: string): string {
  return `${object.metadata.namespace ?? ''}/${service}`;
}

function hasAddress(service: ServiceObject): boolean {
  const address = service.spec.clusterIP ?? '';
  return address !== '' && address !== 'None';
}

function forget(service: ServiceObject | undefined, byAddress: Map<string, string>): void {
  if (service !== undefined) byAddress.delete(service.spec.clusterIP ?? '');
}

/** In a slice an absent condition counts as ready (discovery.k8s.io/v1). */
function isReady(endpoint: SliceEndpoint): boolean {
  return endpoint.conditions?.ready ?? true;
}

/** CoreDNS names the hosts of a headless service by `hostname`, else by their address with dashes. */
function hostOf(endpoint: SliceEndpoint): string | undefined {
  return endpoint.hostname ?? endpoint.addresses[0]?.replaceAll('.', '-');
}

/** Ready endpoints of a service port; where there are none, those that are terminating but still serve (KEP-1669). */
function targetsOf(slices: readonly EndpointSliceObject[], portName: string): readonly Endpoint[] {
  const ready: Endpoint[] = [];
  const terminating: Endpoint[] = [];
  for (const slice of slices) {
    const port = slice.ports?.find((item) => (item.name ?? '') === portName)?.port;
    if (port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const list = isReady(endpoint)
        ? ready
        : endpoint.conditions?.serving === true && endpoint.conditions.terminating === true
          ? terminating
          : undefined;
      for (const ip of endpoint.addresses) list?.push({ ip, port });
    }
  }
  return ready.length > 0 ? ready : terminating;
}

/** An IPv4 address as one number: what a sticky service chooses by. */
function numberOf(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

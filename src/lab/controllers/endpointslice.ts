/** EndpointSlices, and the Endpoints objects that older clients read, in step with Services and pods. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, Change } from '../api/api.ts';
import { equalJson } from '../api/json.ts';
import {
  asEndpointSlice,
  asService,
  type EndpointSliceObject,
  type ServiceObject,
  type SliceEndpoint,
  serviceNameLabel,
} from '../kinds/service.ts';
import { timestamp } from './conditions.ts';
import type { Controller } from './controller.ts';
import { keyOf, ownerReference, splitKey } from './keys.ts';
import { generateName } from './names.ts';
import { type EndpointGroup, endpointGroups } from './service-endpoints.ts';

const manager = 'kube-controller-manager';
const managedBy = 'endpointslice.kubernetes.io/managed-by';
const managedByUs = 'endpointslice-controller.k8s.io';
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const maxEndpoints = 100;

export interface EndpointEnvironment {
  readonly api: Api;
  readonly now: () => Date;
}

export function endpointSliceController({ api, now }: EndpointEnvironment): Controller {
  return {
    name: 'endpointslice-controller',
    watches: ['services', 'pods'],
    keysOf: (change) => serviceKeys(api, change),
    reconcile(key) {
      const { namespace, name } = splitKey(key);
      const found = api.get('services', namespace, name);
      // Slices of a service that is gone are the garbage collector's; the Endpoints object has no owner.
      if (found === undefined) {
        if (api.get('endpoints', namespace, name) !== undefined) api.delete('endpoints', namespace, name);
        return undefined;
      }
      const service = asService(found);
      if (service.spec.type === 'ExternalName' || Object.keys(service.spec.selector ?? {}).length === 0) {
        return undefined;
      }
      const groups = endpointGroups(service, api.list('pods', { namespace }));
      writeSlices(api, service, groups, now());
      writeEndpoints(api, service, groups, now());
      return undefined;
    },
  };
}

/** A service's own key; for a pod, the keys of the services that select it now or did before. */
function serviceKeys(api: Api, change: Change): readonly string[] {
  if (change.object.kind === 'Service') return [keyOf(change.object)];
  const namespace = change.object.metadata.namespace ?? '';
  const pods = [change.object, ...(change.previous === undefined ? [] : [change.previous])];
  return api
    .list('services', { namespace })
    .filter((object) => {
      const selector = Object.entries(asService(object).spec.selector ?? {});
      if (selector.length === 0) return false;
      return pods.some((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value));
    })
    .map(keyOf);
}

/** The slices that should be there: groups cut at a hundred endpoints; one empty slice where there is nothing. */
function wantedSlices(groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
  const cut = groups.flatMap(({ ports, endpoints }) => {
    const pieces: EndpointGroup[] = [];
    for (let start = 0; start < endpoints.length; start += maxEndpoints) {
      pieces.push({ ports, endpoints: endpoints.slice(start, start + maxEndpoints) });
    }
    return pieces;
  });
  return cut.length === 0 ? [{ ports: [], endpoints: [] }] : cut;
}

function writeSlices(api: Api, service: ServiceObject, groups: readonly EndpointGroup[], now: Date): void {
  const namespace = service.metadata.namespace ?? '';
  const labels = { [serviceNameLabel]: service.metadata.name, [managedBy]: managedByUs };
  const existing = api.list('endpointslices.discovery.k8s.io', { namespace, labels }).map(asEndpointSlice);
  const spare = [...existing];
  const headless = service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
  const allLabels = { ...service.metadata.labels, ...headless, ...labels };
  for (const { ports, endpoints } of wantedSlices(groups)) {
    const slice = takeSlice(spare, ports);
    if (slice === undefined) {
      api.create(
        'endpointslices.discovery.k8s.io',
        newSlice(service, allLabels, ports, endpoints, now),
        manager,
      );
      continue;
    }
    const same =
      equalJson(slice.endpoints ?? [], endpoints) &&
      equalJson(slice.ports ?? [], ports) &&
      equalJson(slice.metadata.labels, allLabels);
    if (same) continue;
    const annotations = { ...slice.metadata.annotations, [triggerAnnotation]: timestamp(now) };
    const metadata = { ...slice.metadata, labels: allLabels, annotations };
    api.update('endpointslices.discovery.k8s.io', { ...slice, metadata, ports, endpoints }, manager);
  }
  for (const slice of spare) api.delete('endpointslices.discovery.k8s.io', namespace, slice.metadata.name);
}

/** A slice with these ports, else any that is left: slices are changed rather than replaced. */
function takeSlice(
  spare: EndpointSliceObject[],
  ports: EndpointGroup['ports'],
): EndpointSliceObject | undefined {
  const same = spare.findIndex((slice) => equalJson(slice.ports ?? [], ports));
  const index = same === -1 ? 0 : same;
  return spare.splice(index, 1)[0];
}

function newSlice(
  service: ServiceObject,
  labels: Readonly<Record<string, string>>,
  ports: EndpointGroup['ports'],
  endpoints: readonly SliceEndpoint[],
  now: Date,
): KubeObject {
  const prefix = `${service.metadata.name}-`;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: generateName(prefix),
      generateName: prefix,
      namespace: service.metadata.namespace ?? '',
      labels,
      annotations: { [triggerAnnotation]: timestamp(now) },
      ownerReferences: [ownerReference(service)],
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

function writeEndpoints(api: Api, service: ServiceObject, groups: readonly EndpointGroup[], now: Date): void {
  const { name, namespace = '', labels } = service.metadata;
  const subsets = groups.map(({ ports, endpoints }) => {
    const of = (ready: boolean): readonly object[] =>
      endpoints
        .filter((endpoint) => (endpoint.conditions?.ready ?? true) === ready)
        .map(({ addresses, hostname, nodeName, targetRef }) => ({
          ip: addresses[0],
          ...(hostname === undefined ? {} : { hostname }),
          ...(nodeName === undefined ? {} : { nodeName }),
          ...(targetRef === undefined ? {} : { targetRef }),
        }));
    const addresses = of(true);
    const notReadyAddresses = of(false);
    const unnamed = ports.map(({ name: portName, ...port }) =>
      portName === '' ? port : { name: portName, ...port },
    );
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
      ports: unnamed,
    };
  });
  const wantedLabels = { ...labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };
  const before = api.get('endpoints', namespace, name);
  const fields = subsets.length > 0 ? { subsets } : {};
  const base = { apiVersion: 'v1', kind: 'Endpoints' };
  const annotations = { [triggerAnnotation]: timestamp(now) };
  if (before === undefined) {
    api.create(
      'endpoints',
      { ...base, metadata: { name, namespace, labels: wantedLabels, annotations }, ...fields },
      manager,
    );
    return;
  }
  const same = equalJson(before.subsets ?? [], subsets) && equalJson(before.metadata.labels, wantedLabels);
  if (same) return;
  const metadata = { ...before.metadata, labels: wantedLabels, annotations };
  api.update('endpoints', { ...base, metadata, ...fields }, manager);
}

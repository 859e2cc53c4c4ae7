/** Who is behind a host's port: from EndpointSlices, else from the Service's selector, else from the ServiceEntry. */
import { tlsModeLabel } from '../istio/auto-mtls.ts';
import type { EndpointSlice, SliceEndpoint } from '../istio/endpoint-slice.ts';
import { noStrings } from '../istio/fields.ts';
import { matchesLabels } from '../istio/selector.ts';
import type { ExternalEndpoint } from '../istio/service-entry.ts';
import { targetPortOf } from './declared-ports.ts';
import { type HostPort, type MeshHost, portOf } from './host.ts';
import type { Mesh, ServicePortEndpoint } from './mesh.ts';
import type { Workload } from './workload.ts';
import { externalTlsMode } from './workload-entry.ts';

/** The endpoints behind one port of a host; empty for a host or port that is not known. */
export function endpointsOf(mesh: Mesh, host: string, port: number): readonly ServicePortEndpoint[] {
  const key = `${host}:${port}`;
  const memo = mesh.index.memo.endpoints;
  let endpoints = memo.get(key);
  if (endpoints === undefined) {
    const found = mesh.hosts.get(host);
    const hostPort = found === undefined ? undefined : portOf(found, port);
    endpoints = found === undefined || hostPort === undefined ? [] : findEndpoints(mesh, found, hostPort);
    memo.set(key, endpoints);
  }
  return endpoints;
}

function findEndpoints(mesh: Mesh, host: MeshHost, port: HostPort): readonly ServicePortEndpoint[] {
  if (host.entry !== undefined) return fromEntry(mesh, host, port);
  const service = host.service;
  if (service === undefined) return [];
  const slices = mesh.index.slices.get(`${service.namespace}/${service.name}`);
  const ofEntries = host.resolution === 'eds' ? fromWorkloadEntries(mesh, host, port) : [];
  if (slices !== undefined) return [...fromSlices(mesh, slices, port), ...ofEntries];
  if (service.selector === undefined) return ofEntries;
  return [...fromSelector(mesh, host, port), ...ofEntries];
}

/** An endpoint that clients know as one of the workload's pods. */
function podEndpoint(
  workload: Workload,
  pods: readonly string[],
  targetPort: number,
  ready: boolean,
): ServicePortEndpoint {
  return {
    workload,
    pods,
    targetPort,
    ready,
    namespace: workload.namespace,
    labels: workload.labels,
    tlsMode: workload.labels[tlsModeLabel] ?? 'disabled',
  };
}

interface Collected {
  readonly workload: Workload;
  readonly targetPort: number;
  readonly ready: boolean;
  readonly pods: Set<string>;
}

function fromSlices(
  mesh: Mesh,
  slices: readonly EndpointSlice[],
  port: HostPort,
): readonly ServicePortEndpoint[] {
  const collected = new Map<string, Collected>();
  const addresses = new Map<string, ServicePortEndpoint>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const slicePort of slice.ports) {
      if (slicePort.name !== port.name) continue;
      for (const endpoint of slice.endpoints) {
        const pod = podOf(mesh, slice, endpoint);
        if (pod === undefined) {
          // A pod that is named and was not read is unknown to the control plane also: it waits for it.
          if (endpoint.pod === undefined) addAddresses(mesh, addresses, endpoint, slicePort.port);
          continue;
        }
        collect(collected, pod.workload, pod.name, slicePort.port, endpoint.ready);
      }
    }
  }
  const ofPods = [...collected.values()].map(({ workload, pods, targetPort, ready }) =>
    podEndpoint(workload, [...pods].sort(), targetPort, ready),
  );
  return [...ofPods, ...addresses.values()];
}

function collect(
  collected: Map<string, Collected>,
  workload: Workload,
  pod: string,
  targetPort: number,
  ready: boolean,
): void {
  const key = `${workload.id}:${targetPort}:${ready}`;
  const group = collected.get(key);
  if (group === undefined) collected.set(key, { workload, targetPort, ready, pods: new Set([pod]) });
  else group.pods.add(pod);
}

/** The pod behind an endpoint: the one it names, else one of the slice's namespace with that address. */
function podOf(
  mesh: Mesh,
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
): { readonly workload: Workload; readonly name: string } | undefined {
  if (endpoint.pod !== undefined) {
    const { namespace, name } = endpoint.pod;
    const workload = mesh.index.workloadByPod.get(`${namespace}/${name}`);
    return workload === undefined ? undefined : { workload, name };
  }
  const [address = ''] = endpoint.addresses;
  const workload = mesh.index.workloadByIp.get(address);
  const pod = workload?.pods.find((candidate) => candidate.ips.includes(address));
  if (workload === undefined || pod === undefined || workload.namespace !== slice.namespace) return undefined;
  return { workload, name: pod.name };
}

/** Addresses that clients know nothing about. A pod of another namespace may still be there to answer. */
function addAddresses(
  mesh: Mesh,
  addresses: Map<string, ServicePortEndpoint>,
  endpoint: SliceEndpoint,
  targetPort: number,
): void {
  for (const address of endpoint.addresses) {
    addresses.set(`${address}:${targetPort}`, {
      ...answering(mesh, address),
      targetPort,
      ready: endpoint.ready,
      namespace: '',
      labels: noStrings,
      tlsMode: 'disabled',
    });
  }
}

/** Who really has an address, beside what clients are told about it. */
function answering(mesh: Mesh, address: string): Pick<ServicePortEndpoint, 'workload' | 'pods' | 'address'> {
  const workload = mesh.index.workloadByIp.get(address);
  const pod = workload?.pods.find((candidate) => candidate.ips.includes(address));
  return workload === undefined || pod === undefined
    ? { address, pods: [] }
    : { address, workload, pods: [pod.name] };
}

/** Without slices (manifests): the workloads that the selector matches. */
function fromSelector(mesh: Mesh, host: MeshHost, port: HostPort): readonly ServicePortEndpoint[] {
  const selector = host.service?.selector;
  const servicePort = host.service?.ports.find((candidate) => candidate.port === port.port);
  if (selector === undefined || servicePort === undefined) return [];
  const endpoints: ServicePortEndpoint[] = [];
  for (const workload of mesh.workloadsByNamespace.get(host.namespace) ?? []) {
    if (workload.kind === 'WorkloadEntry' || !matchesLabels(selector, workload.labels)) continue;
    const targetPort = targetPortOf(workload, servicePort);
    if (targetPort === undefined) continue;
    const names = workload.pods.map((pod) => pod.name);
    endpoints.push(podEndpoint(workload, names, targetPort, true));
  }
  return endpoints;
}

/** WorkloadEntries that a Service's or ServiceEntry's selector matches. */
function fromWorkloadEntries(mesh: Mesh, host: MeshHost, port: HostPort): readonly ServicePortEndpoint[] {
  const selector = host.service?.selector ?? host.entry?.selector.labels;
  if (selector === undefined) return [];
  const endpoints: ServicePortEndpoint[] = [];
  for (const entry of mesh.workloadEntries) {
    if (entry.namespace !== host.namespace || !matchesLabels(selector, entry.labels)) continue;
    endpoints.push(externalEndpoint(mesh, entry, host, port));
  }
  return endpoints;
}

function externalEndpoint(
  mesh: Mesh,
  endpoint: ExternalEndpoint,
  host: MeshHost,
  port: HostPort,
): ServicePortEndpoint {
  const named = typeof port.targetPort === 'string' ? endpoint.ports.get(port.targetPort) : undefined;
  const target = typeof port.targetPort === 'number' ? port.targetPort : port.port;
  return {
    ...answering(mesh, endpoint.address),
    targetPort: endpoint.ports.get(port.name) ?? named ?? target,
    ready: true,
    namespace: host.namespace,
    labels: endpoint.labels,
    tlsMode: externalTlsMode(endpoint),
  };
}

function fromEntry(mesh: Mesh, host: MeshHost, port: HostPort): readonly ServicePortEndpoint[] {
  const entry = host.entry;
  if (entry === undefined) return [];
  const inline = entry.endpoints.map((endpoint) => externalEndpoint(mesh, endpoint, host, port));
  if (inline.length > 0) return inline;
  const selector = entry.selector.labels;
  if (selector !== undefined) {
    const pods = (mesh.workloadsByNamespace.get(entry.namespace) ?? []).filter(
      (workload) => workload.kind !== 'WorkloadEntry' && matchesLabels(selector, workload.labels),
    );
    const target = typeof port.targetPort === 'number' ? port.targetPort : port.port;
    return [
      ...pods.map((workload) =>
        podEndpoint(
          workload,
          workload.pods.map((pod) => pod.name),
          target,
          true,
        ),
      ),
      ...fromWorkloadEntries(mesh, host, port),
    ];
  }
  if (host.resolution !== 'dns') return [];
  const target = typeof port.targetPort === 'number' ? port.targetPort : port.port;
  return [
    {
      ...answering(mesh, host.host),
      targetPort: target,
      ready: true,
      namespace: host.namespace,
      labels: noStrings,
      tlsMode: 'disabled',
    },
  ];
}

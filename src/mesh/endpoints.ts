/** Who is behind a host's port: from EndpointSlices, else from the Service's selector, else from the ServiceEntry. */
import { tlsModeLabel } from '../istio/auto-mtls.ts';
import type { EndpointSlice, SliceEndpoint } from '../istio/endpoint-slice.ts';
import { noStrings, type StringMap } from '../istio/fields.ts';
import { matchesLabels } from '../istio/selector.ts';
import type { ExternalEndpoint } from '../istio/service-entry.ts';
import type { HostPort, MeshHost } from './host.ts';
import type { Mesh, ServicePortEndpoint } from './mesh.ts';
import { targetPortOf } from './target-port.ts';
import type { Workload } from './workload.ts';
import { externalTlsMode } from './workload-entry.ts';

/** The endpoints behind one port of a host; empty for a host or port that is not known. */
export function endpointsOf(mesh: Mesh, host: string, port: number): readonly ServicePortEndpoint[] {
  const known = mesh.hosts.get(host);
  return known === undefined ? [] : hostEndpoints(mesh, known, port);
}

/** The same for a host that is already in hand. */
export function hostEndpoints(mesh: Mesh, host: MeshHost, port: number): readonly ServicePortEndpoint[] {
  const memo = mesh.index.memo.endpoints;
  let ports = memo.get(host);
  if (ports === undefined) {
    ports = findEndpoints(mesh, host);
    memo.set(host, ports);
  }
  return ports.get(port) ?? [];
}

function findEndpoints(mesh: Mesh, host: MeshHost): ReadonlyMap<number, readonly ServicePortEndpoint[]> {
  const service = host.service;
  const slices =
    service === undefined ? undefined : mesh.index.slices.get(`${service.namespace}/${service.name}`);
  const groups = slices === undefined ? undefined : slices.map((slice) => groupSlice(mesh, slice));
  return new Map(host.ports.map((port) => [port.port, endpointsOfPort(mesh, host, port, groups)]));
}

function endpointsOfPort(
  mesh: Mesh,
  host: MeshHost,
  port: HostPort,
  slices: readonly SliceGroups[] | undefined,
): readonly ServicePortEndpoint[] {
  if (host.entry !== undefined) return fromEntry(mesh, host, port);
  const ofEntries = host.resolution === 'eds' ? fromWorkloadEntries(mesh, host, port) : [];
  const ofPods = slices === undefined ? fromSelector(mesh, host, port) : fromSlices(mesh, slices, port);
  return ofEntries.length === 0 ? ofPods : [...ofPods, ...ofEntries];
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

/** A slice's endpoints by workload, the same for all its ports. */
interface SliceGroups {
  readonly slice: EndpointSlice;
  readonly groups: readonly PodGroup[];
  /** Endpoints that are no known pod's. */
  readonly strangers: readonly SliceEndpoint[];
}

interface PodGroup {
  readonly workload: Workload;
  readonly ready: boolean;
  readonly pods: string[];
}

function groupSlice(mesh: Mesh, slice: EndpointSlice): SliceGroups {
  const groups: PodGroup[] = [];
  const strangers: SliceEndpoint[] = [];
  for (const endpoint of slice.addressType === 'FQDN' ? [] : slice.endpoints) {
    const pod = podOf(mesh, endpoint);
    if (pod === undefined) {
      // A pod that is named and was not read is unknown to the control plane also: it waits for it.
      if (endpoint.pod === undefined) strangers.push(endpoint);
      continue;
    }
    addPod(groups, pod.workload, pod.name, endpoint.ready);
  }
  return { slice, groups, strangers };
}

function addPod(groups: PodGroup[], workload: Workload, pod: string, ready: boolean): void {
  // Neighbours are mostly of one workload, and a slice has few workloads.
  const group = groups.findLast((candidate) => candidate.workload === workload && candidate.ready === ready);
  if (group === undefined) groups.push({ workload, ready, pods: [pod] });
  else group.pods.push(pod);
}

function fromSlices(
  mesh: Mesh,
  slices: readonly SliceGroups[],
  port: HostPort,
): readonly ServicePortEndpoint[] {
  const found: ServicePortEndpoint[] = [];
  for (const { slice, groups, strangers } of slices) {
    for (const slicePort of slice.ports) {
      if (slicePort.name !== port.name) continue;
      for (const { workload, ready, pods } of groups) {
        const position = found.findIndex(
          (endpoint) =>
            endpoint.workload === workload &&
            endpoint.targetPort === slicePort.port &&
            endpoint.ready === ready &&
            endpoint.address === undefined,
        );
        const present = found[position];
        if (present === undefined) found.push(podEndpoint(workload, pods, slicePort.port, ready));
        else {
          // The same pods in a slice of another address family, or more of them.
          const all = [...new Set([...present.pods, ...pods])];
          found[position] = podEndpoint(workload, all, slicePort.port, ready);
        }
      }
      for (const stranger of strangers) addAddresses(mesh, found, stranger, slicePort.port);
    }
  }
  return found;
}

/**
 * The pod that an endpoint names. One that names none, in a slice made by hand, is known by its address alone: a control plane that
 * starts reads the slices before the pods and takes it for an endpoint without a sidecar (as observed in istiod; it finds the pod
 * only when the slice changes later).
 */
function podOf(
  mesh: Mesh,
  endpoint: SliceEndpoint,
): { readonly workload: Workload; readonly name: string } | undefined {
  if (endpoint.pod === undefined) return undefined;
  const { namespace, name } = endpoint.pod;
  const workload = mesh.index.workloadByPod.get(namespace)?.get(name);
  return workload === undefined ? undefined : { workload, name };
}

/** Whose address it is: a pod's before a WorkloadEntry's that lists it. First come, first kept: an address is one pod's, but for the host network. */
function workloadAt(mesh: Mesh, address: string): Workload | undefined {
  const { memo } = mesh.index;
  if (memo.byAddress === undefined) {
    const byAddress = new Map<string, Workload>();
    for (const workload of mesh.workloads) {
      for (const pod of workload.pods) {
        for (const ip of pod.ips) {
          const present = byAddress.get(ip);
          if (
            present === undefined ||
            (present.kind === 'WorkloadEntry' && workload.kind !== 'WorkloadEntry')
          )
            byAddress.set(ip, workload);
        }
      }
    }
    memo.byAddress = byAddress;
  }
  return memo.byAddress.get(address);
}

/** Addresses that clients know nothing about. A pod may still be there to answer. */
function addAddresses(
  mesh: Mesh,
  found: ServicePortEndpoint[],
  endpoint: SliceEndpoint,
  targetPort: number,
): void {
  for (const address of endpoint.addresses) {
    found.push({
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
  const workload = workloadAt(mesh, address);
  const pod = workload?.pods.find((candidate) => candidate.ips.includes(address));
  return workload === undefined || pod === undefined
    ? { address, pods: [] }
    : { address, workload, pods: [pod.name] };
}

/** Workloads of a namespace that a selector matches, found by one of its labels. */
function selected(mesh: Mesh, namespace: string, selector: StringMap): readonly Workload[] {
  const { memo } = mesh.index;
  if (memo.byLabel === undefined) {
    const byLabel = new Map<string, Workload[]>();
    for (const workload of mesh.workloads) {
      for (const label in workload.labels) {
        const key = `${workload.namespace}/${label}=${workload.labels[label]}`;
        const list = byLabel.get(key);
        if (list === undefined) byLabel.set(key, [workload]);
        else list.push(workload);
      }
    }
    memo.byLabel = byLabel;
  }
  for (const label in selector) {
    const candidates = memo.byLabel.get(`${namespace}/${label}=${selector[label]}`) ?? [];
    return candidates.filter((workload) => matchesLabels(selector, workload.labels));
  }
  return mesh.workloadsByNamespace.get(namespace) ?? [];
}

/** Without slices (manifests): the workloads that the selector matches. */
function fromSelector(mesh: Mesh, host: MeshHost, port: HostPort): readonly ServicePortEndpoint[] {
  const selector = host.service?.selector;
  const servicePort = host.service?.ports.find((candidate) => candidate.port === port.port);
  if (selector === undefined || servicePort === undefined) return [];
  const endpoints: ServicePortEndpoint[] = [];
  for (const workload of selected(mesh, host.namespace, selector)) {
    if (workload.kind === 'WorkloadEntry') continue;
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
    const pods = selected(mesh, entry.namespace, selector).filter(
      (workload) => workload.kind !== 'WorkloadEntry',
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

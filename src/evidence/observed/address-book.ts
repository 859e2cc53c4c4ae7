/**
 * Whose address it is: a pod's owner, a gateway, a node, the API server, or an endpoint that is no pod. Addresses are
 * given again to other pods, so a name holds for a moment only.
 */
import { BlockList, isIP } from 'node:net';
import { serviceHost } from '../../istio/hostname.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { indexOwners, type OwnerIndex, ownerOf } from '../../mesh/owner.ts';
import type { Workload } from '../../mesh/workload.ts';
import { asObject, asObjects, asText, asTexts, dig } from '../../sources/json-value.ts';
import { podAddresses } from '../proxy/pods.ts';

/**
 * `forwarded`: the address is what an `X-Forwarded-For` header says, so the caller itself is not known. `address`: nobody
 * known has it. `unknown`: not even an address is known.
 */
export type PartyKind =
  | 'workload'
  | 'gateway'
  | 'node'
  | 'api-server'
  | 'endpoint'
  | 'self'
  | 'padlock'
  | 'forwarded'
  | 'address'
  | 'unknown';

export interface Party {
  readonly kind: PartyKind;
  /** As a person names it: `Deployment checkout`, `node worker-1`, `10.1.2.3`. */
  readonly name: string;
  readonly namespace?: string;
  /** How the name is known, in a sentence without a full stop. */
  readonly because: string;
  /** Behind a sidecar: it can send mutual TLS, and a policy or a rule is why it does not. */
  readonly meshed: boolean;
}

/** Two parties with the same key are one sender. */
export function partyKey({ kind, namespace, name, because }: Party): string {
  // Proxies that hide behind a header are told apart by what the header says.
  const detail = kind === 'forwarded' ? because : '';
  return JSON.stringify([kind === 'gateway' ? 'workload' : kind, namespace, name, detail]);
}

interface Tenancy {
  readonly party: Party;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

export interface AddressBook {
  /** @param at milliseconds since the epoch; absent: now */
  resolve(address: string, at?: number): Party;
  /** A workload that a proxy's own labels name. */
  named(namespace: string, name: string, because: string): Party;
  isApiServer(address: string): boolean;
}

/**
 * @param meshes of one cluster at different moments: pods that came and went are known by any of them
 * @param passing pods that were there in between only
 */
export function addressBook(meshes: readonly Mesh[], passing: readonly KubeObject[] = []): AddressBook {
  const tenancies = new Map<string, Tenancy[]>();
  const parties = new Map<string, Party>();
  for (const mesh of meshes) addPods(mesh, tenancies, parties);
  const latest = meshes.at(-1);
  const owners = indexOwners(meshes.flatMap(({ snapshot }) => snapshot.objects));
  for (const pod of passing)
    addPod(pod, podParty(pod, pod.metadata.namespace ?? 'default', owners), tenancies);
  const nodes = latest === undefined ? [] : readNodes(latest);
  const servers = new Set(latest === undefined ? [] : apiServerAddresses(latest));
  const endpoints = latest === undefined ? new Map<string, Party>() : readEndpoints(latest);
  const seesAllPods = latest?.snapshot.unseen.every(({ resource }) => resource !== 'pods') ?? false;
  const fixed = new Map<string, Party>();
  return {
    isApiServer: (address) => servers.has(address),
    named: (namespace, name, because) => {
      const known = parties.get(`${namespace}/${name}`);
      return known === undefined
        ? { kind: 'workload', name: `workload ${name}`, namespace, because, meshed: true }
        : { ...known, because };
    },
    resolve: (address, at) => {
      const pod = tenantAt(tenancies.get(address) ?? [], at);
      if (pod !== undefined) return pod;
      const known = fixed.get(address);
      if (known !== undefined) return known;
      const found = resolveFixed(address);
      fixed.set(address, found);
      return found;
    },
  };

  /** Whose address it is as long as no pod has it. */
  function resolveFixed(address: string): Party {
    const node = nodes.find(({ addresses }) => addresses.has(address));
    if (servers.has(address)) {
      const also =
        node === undefined ? '' : `, which runs on node ${node.name}: a node's own processes look the same`;
      return outside('api-server', 'API server', `${address} is the API server's address${also}`);
    }
    if (node !== undefined) return nodeParty(node, address);
    return endpoints.get(address) ?? byRange(address, nodes, seesAllPods);
  }
}

function outside(kind: PartyKind, name: string, because: string): Party {
  return { kind, name, because, meshed: false };
}

/** Who had the address then; of several that may have, the one that came last. */
function tenantAt(list: readonly Tenancy[], at: number | undefined): Party | undefined {
  const moment = at ?? Number.POSITIVE_INFINITY;
  // Times in objects are cut to seconds.
  const fits = list.filter(({ from, to }) => from <= moment && moment < to + 1000);
  return fits.toSorted((a, b) => b.from - a.from)[0]?.party;
}

function addPods(mesh: Mesh, into: Map<string, Tenancy[]>, parties: Map<string, Party>): void {
  const workloadOf = new Map(
    mesh.workloads.flatMap((workload) =>
      workload.pods.map((pod) => [`${workload.namespace}/${pod.name}`, workload] as const),
    ),
  );
  for (const workload of mesh.workloads) {
    parties.set(`${workload.namespace}/${workload.name}`, workloadParty(workload));
  }
  const owners = indexOwners(mesh.snapshot.objects);
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind !== 'Pod' || dig(object, 'spec', 'hostNetwork') === true) continue;
    const { namespace = 'default', name } = object.metadata;
    const workload = workloadOf.get(`${namespace}/${name}`);
    const party = workload === undefined ? podParty(object, namespace, owners) : workloadParty(workload);
    addPod(object, party, into);
  }
}

function addPod(pod: KubeObject, party: Party, into: Map<string, Tenancy[]>): void {
  if (dig(pod, 'spec', 'hostNetwork') === true) return;
  const { namespace = 'default', name } = pod.metadata;
  for (const address of podAddresses(pod)) {
    const list = into.get(address) ?? [];
    list.push({ party: { ...party, because: `${address} is pod ${namespace}/${name}` }, ...lifetime(pod) });
    into.set(address, list);
  }
}

function workloadParty({ namespace, kind, name, dataplane }: Workload): Party {
  return {
    kind: dataplane === 'gateway' ? 'gateway' : 'workload',
    name: `${kind} ${name}`,
    namespace,
    because: '',
    meshed: dataplane !== 'none',
  };
}

/** A pod that has ended is in no workload any more. */
function podParty(pod: KubeObject, namespace: string, owners: OwnerIndex): Party {
  const meta = asObject(pod.metadata);
  const owner = ownerOf(namespace, meta, asObject(pod.metadata.labels), owners);
  const name = owner === undefined ? `Pod ${pod.metadata.name}` : `${owner.kind} ${owner.name}`;
  const containers = [
    ...asObjects(dig(pod, 'spec', 'containers')),
    ...asObjects(dig(pod, 'spec', 'initContainers')),
  ];
  const meshed = containers.some((container) => container.name === 'istio-proxy');
  return { kind: 'workload', name, namespace, because: '', meshed };
}

function lifetime(pod: KubeObject): { readonly from: number; readonly to: number } {
  const started = asText(dig(pod, 'status', 'startTime')) ?? pod.metadata.creationTimestamp;
  const from = started === undefined ? Number.NEGATIVE_INFINITY : Date.parse(started);
  const phase = asText(dig(pod, 'status', 'phase'));
  if (phase !== 'Succeeded' && phase !== 'Failed') return { from, to: Number.POSITIVE_INFINITY };
  const ends = asObjects(dig(pod, 'status', 'containerStatuses')).map((status) =>
    Date.parse(asText(dig(status, 'state', 'terminated', 'finishedAt')) ?? ''),
  );
  const last = Math.max(...ends.filter((end) => !Number.isNaN(end)));
  // The address is given back a moment after the last container ends.
  return { from, to: Number.isFinite(last) ? last + 5000 : Number.POSITIVE_INFINITY };
}

/** A range of addresses in CIDR notation, ready to be asked. */
interface Range {
  readonly base: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly list: BlockList;
}

interface NodeFacts {
  readonly name: string;
  readonly addresses: ReadonlySet<string>;
  readonly ranges: readonly Range[];
  /** Pods in the node's own network: their traffic has the node's address. */
  readonly tenants: readonly string[];
}

function readNodes(mesh: Mesh): readonly NodeFacts[] {
  const tenants = new Map<string, Set<string>>();
  const owners = indexOwners(mesh.snapshot.objects);
  const nodes: KubeObject[] = [];
  for (const { object } of mesh.snapshot.objects) {
    if (object.kind === 'Node') nodes.push(object);
    if (object.kind !== 'Pod' || dig(object, 'spec', 'hostNetwork') !== true) continue;
    const node = asText(dig(object, 'spec', 'nodeName'));
    const { namespace = 'default' } = object.metadata;
    if (node === undefined) continue;
    const list = tenants.get(node) ?? new Set();
    const { name } = podParty(object, namespace, owners);
    // The node's own components are on every node and say nothing.
    if (namespace !== 'kube-system') list.add(`${namespace}/${name}`);
    tenants.set(node, list);
  }
  return nodes.map((node) => ({
    name: node.metadata.name,
    addresses: new Set(
      asObjects(dig(node, 'status', 'addresses'))
        .map((entry) => asText(entry.address) ?? '')
        .filter((address) => isIP(address) !== 0),
    ),
    ranges: [asText(dig(node, 'spec', 'podCIDR')) ?? '', ...asTexts(dig(node, 'spec', 'podCIDRs'))].flatMap(
      readRange,
    ),
    tenants: [...(tenants.get(node.metadata.name) ?? [])].sort(),
  }));
}

function nodeParty(node: NodeFacts, address: string): Party {
  const whose =
    node.tenants.length === 0
      ? 'its kubelet, or traffic from outside that the node passed on'
      : `its kubelet, traffic from outside that the node passed on, or pods in its network: ${node.tenants.slice(0, 4).join(', ')}`;
  return outside('node', `node ${node.name}`, `${address} is the node's own address: ${whose}`);
}

/** An address of a node's pod range that no pod has. */
function byRange(address: string, nodes: readonly NodeFacts[], seesAllPods: boolean): Party {
  for (const node of nodes) {
    const range = node.ranges.find((candidate) => inRange(address, candidate));
    if (range === undefined) continue;
    if (!isFirstOf(address, range)) {
      const gone = `a pod of node ${node.name} had it that is gone`;
      const hidden = `it is a pod's of node ${node.name}, gone by now or in a namespace whose pods may not be listed`;
      return outside('address', address, seesAllPods ? gone : hidden);
    }
    const because = `${address} is node ${node.name}'s own end of its pod network: its kubelet, its host's processes, or traffic that it passed on`;
    return outside('node', `node ${node.name}`, because);
  }
  const whose = 'no pod, node, Service or API server of this cluster has the address';
  const unknown = 'nobody has it who may be seen; pods of other namespaces may not be listed';
  return outside('address', address, seesAllPods ? whose : unknown);
}

function readRange(text: string): readonly Range[] {
  const [base = '', bits = ''] = text.split('/');
  const version = isIP(base);
  if (version === 0 || !/^\d+$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return [];
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family);
  return [{ base, family, list }];
}

function inRange(address: string, { family, list }: Range): boolean {
  return isIP(address) === (family === 'ipv6' ? 6 : 4) && list.check(address, family);
}

/** The range's first addresses are the node's own end of the pod network. */
function isFirstOf(address: string, { base, family }: Range): boolean {
  if (address === base) return true;
  return family === 'ipv6'
    ? address === `${base}1`
    : address === base.replace(/\.(\d+)$/, (_all, last) => `.${Number(last) + 1}`);
}

/** The endpoints of Service `default/kubernetes`, and its own address. */
function apiServerAddresses(mesh: Mesh): readonly string[] {
  const slices = mesh.snapshot.objects.filter(
    ({ object }) =>
      object.kind === 'EndpointSlice' &&
      object.metadata.namespace === 'default' &&
      object.metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes',
  );
  const host = mesh.hosts.get(serviceHost('kubernetes', 'default', mesh.config.clusterDomain));
  return [
    ...slices.flatMap(({ object }) =>
      asObjects(object.endpoints).flatMap((endpoint) => asTexts(endpoint.addresses)),
    ),
    ...(host?.address === undefined ? [] : [host.address]),
  ];
}

/** Machines behind Services, ServiceEntries and WorkloadEntries. */
function readEndpoints(mesh: Mesh): ReadonlyMap<string, Party> {
  const known = new Map<string, Party>();
  const add = (address: string, name: string, namespace: string, meshed: boolean): void => {
    if (isIP(address) === 0 || known.has(address)) return;
    known.set(address, {
      kind: 'endpoint',
      name,
      namespace,
      meshed,
      because: `${address} is an endpoint of ${name}`,
    });
  };
  for (const entry of mesh.workloadEntries) {
    add(entry.address, `WorkloadEntry ${entry.name}`, entry.namespace, entry.serviceAccount !== '');
  }
  for (const entry of mesh.serviceEntries) {
    for (const { address } of entry.endpoints)
      add(address, `ServiceEntry ${entry.name}`, entry.namespace, false);
  }
  for (const { object } of mesh.snapshot.objects) {
    const service = object.metadata.labels?.['kubernetes.io/service-name'];
    if (object.kind !== 'EndpointSlice' || service === undefined) continue;
    for (const endpoint of asObjects(object.endpoints)) {
      if (dig(endpoint, 'targetRef', 'kind') === 'Pod') continue;
      for (const address of asTexts(endpoint.addresses)) {
        add(address, `Service ${service}`, object.metadata.namespace ?? 'default', false);
      }
    }
  }
  return known;
}

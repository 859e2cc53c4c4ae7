/** From what a person types (`web/front`, `cart.shop:8000`, `shop/deploy/cart:8080`) to the workloads and hosts that it names. */

import { nearestName } from '../../istio/nearest-name.ts';
import { endpointsOf } from '../endpoints.ts';
import { findAddress, findHost, findWorkloads } from '../find.ts';
import type { HostPort, MeshHost } from '../host.ts';
import { containerPorts, portsOf } from '../inbound.ts';
import type { Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';

/** Something that was asked for and is not there, or is there several times. */
export interface Problem {
  readonly kind: 'problem';
  readonly sentence: string;
  readonly hint?: string;
}

/** One workload's port. */
export interface PortQuestion {
  readonly kind: 'port';
  /** Several variants of one workload: a rollout half done. */
  readonly workloads: readonly Workload[];
  readonly port: number;
}

/** A call from a client to a host's port, or past all Services to a workload's own port. */
export interface CallQuestion {
  readonly kind: 'call';
  readonly clients: readonly Workload[];
  readonly host?: MeshHost;
  /** The Service's port; the workload's own where there is no `host`. */
  readonly port: number;
  /** Only this server, where the question names one. */
  readonly servers?: readonly Workload[];
  /** What the question took for granted, where it was read otherwise than it was written. */
  readonly note?: string;
}

/** Anybody without a sidecar and outside of every namespace: a node, a load balancer, the API server, another network. */
export const outsideClient: Workload = {
  id: 'outside',
  namespace: '',
  kind: '',
  name: 'a caller outside the mesh',
  variant: 1,
  labels: {},
  annotations: {},
  serviceAccount: '',
  hostNetwork: false,
  ports: [],
  containers: [],
  nativeSidecars: [],
  proxyArgs: [],
  dataplane: 'none',
  dataplaneBecause: [],
  revision: 'default',
  pods: [],
  from: 'template',
  origin: { source: '' },
};

export function portQuestion(mesh: Mesh, text: string, namespace?: string): PortQuestion | Problem {
  const { name, port } = splitPort(text);
  const found = oneWorkload(mesh, name, namespace);
  if ('kind' in found) return found;
  const [workload] = found;
  if (workload === undefined) return nothingNamed(mesh, name);
  const number = port === undefined ? onlyPort(mesh, workload) : portNumber(port, workload);
  if (number !== undefined) return { kind: 'port', workloads: found, port: number };
  const ports = portsOf(mesh, workload).join(', ');
  return {
    kind: 'problem',
    sentence:
      port === undefined ? `${text} has no port of its own: say which` : `${name} has no port called ${port}`,
    hint:
      ports === '' ? `write ${name}:8080` : `its ports are ${ports}; any other number may be asked for, too`,
  };
}

export function callQuestion(
  mesh: Mesh,
  client: string,
  server: string,
  namespace?: string,
): CallQuestion | Problem {
  const clients = oneClient(mesh, client, namespace);
  if ('kind' in clients) return clients;
  const { name, port } = splitPort(server);
  const from = clients[0]?.namespace;
  const host = findHost(mesh, name, namespace ?? (from === '' ? undefined : from));
  if (host !== undefined) return toHost(mesh, clients, host, port, server);
  const servers = oneWorkload(mesh, name, namespace);
  if ('kind' in servers) return servers;
  return toWorkload(mesh, clients, servers, port, server);
}

function toHost(
  mesh: Mesh,
  clients: readonly Workload[],
  host: MeshHost,
  port: string | undefined,
  written: string,
): CallQuestion | Problem {
  const found = host.ports.find((candidate) =>
    port === undefined ? host.ports.length === 1 : isPort(candidate, port),
  );
  if (found !== undefined) return { kind: 'call', clients, host, port: found.port };
  const number = Number(port);
  const behind = host.ports.find((candidate) =>
    endpointsOf(mesh, host.host, candidate.port).some(({ targetPort }) => targetPort === number),
  );
  if (behind !== undefined) {
    const note = `${host.host} has no port ${port}; its port ${behind.port} leads to port ${port} of the pods, and is meant here`;
    return { kind: 'call', clients, host, port: behind.port, note };
  }
  const ports = host.ports.map((candidate) => portWords(candidate)).join(', ');
  return {
    kind: 'problem',
    sentence:
      port === undefined
        ? `${written} has several ports: say which`
        : `${host.host} has no port ${port}, and none of its ports leads to one`,
    hint: ports === '' ? 'it has no ports at all' : `its ports are ${ports}`,
  };
}

/** The Service port that leads to a workload's port, else the pod itself. */
function toWorkload(
  mesh: Mesh,
  clients: readonly Workload[],
  servers: readonly Workload[],
  port: string | undefined,
  written: string,
): CallQuestion | Problem {
  const [server] = servers;
  if (server === undefined) return nothingNamed(mesh, written);
  const number = port === undefined ? onlyPort(mesh, server) : portNumber(port, server);
  if (number === undefined) {
    return {
      kind: 'problem',
      sentence: `${written}: say which port`,
      hint: `its ports are ${portsOf(mesh, server).join(', ')}`,
    };
  }
  const ways = [...mesh.hosts.values()].flatMap((host) =>
    host.ports
      .filter((candidate) =>
        endpointsOf(mesh, host.host, candidate.port).some(
          ({ workload, targetPort }) =>
            workload !== undefined &&
            servers.includes(workload) &&
            (targetPort === number || candidate.port === number),
        ),
      )
      .map((candidate) => ({ host, port: candidate.port })),
  );
  const way = ways.find((candidate) => candidate.port === number) ?? ways[0];
  if (way !== undefined) return { kind: 'call', clients, servers, ...way };
  const note = `no Service leads to port ${number} of ${server.namespace}/${server.name}: the call goes to the pod's own address`;
  return { kind: 'call', clients, servers, port: number, note };
}

function oneClient(mesh: Mesh, text: string, namespace?: string): readonly Workload[] | Problem {
  const found = oneWorkload(mesh, text, namespace);
  if (!('kind' in found)) return found;
  // Not a workload's name, so the word may mean what it says.
  if (text === 'outside') return [outsideClient];
  return found;
}

function oneWorkload(mesh: Mesh, text: string, namespace?: string): readonly Workload[] | Problem {
  const address = findAddress(mesh, text);
  if (address !== undefined && 'workload' in address) return [address.workload];
  const named = findWorkloads(mesh, text);
  const inNamespace = named.filter((workload) => workload.namespace === namespace);
  const found = !text.includes('/') && inNamespace.length > 0 ? inNamespace : named;
  const [first] = found;
  if (first === undefined) return nothingNamed(mesh, text, namespace);
  const ids = [...new Set(found.map(({ namespace: space, kind, name }) => `${space}/${kind}/${name}`))];
  if (ids.length === 1) return found;
  return {
    kind: 'problem',
    sentence: `"${text}" may be ${ids.length} workloads`,
    hint: `say which: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', ...' : ''}`,
  };
}

function nothingNamed(mesh: Mesh, text: string, asked?: string): Problem {
  const bySlash = text.split('/');
  const [wanted = '', inHost] = (bySlash.at(-1) ?? '').toLowerCase().split('.');
  const space = bySlash.length > 1 ? bySlash[0] : (inHost ?? asked);
  const own = mesh.workloads.filter(({ namespace }) => namespace === space);
  const pool = own.length > 0 ? own : mesh.workloads;
  const alike = (among: readonly Workload[]): readonly Workload[] => {
    const mistyped = nearestName(
      wanted,
      among.map(({ name }) => name),
    );
    return among.filter(
      ({ name }) =>
        wanted !== '' &&
        (name === mistyped || name.toLowerCase().includes(wanted) || wanted.includes(name.toLowerCase())),
    );
  };
  const nearHere = alike(pool);
  const near = nearHere.length > 0 ? nearHere : alike(mesh.workloads);
  const shown = (near.length > 0 ? near : pool).slice(0, 5);
  const names = [...new Set(shown.map(({ namespace, name }) => `${namespace}/${name}`))].join(', ');
  return {
    kind: 'problem',
    sentence: `there is no workload, pod or host "${text}" in what was read`,
    hint:
      names === ''
        ? 'no workload was read at all'
        : near.length > 0
          ? `did you mean ${names}?`
          : `there are, for instance, ${names}; "outside" is a caller without a sidecar`,
  };
}

/** `cart:8000`; an IPv6 address keeps its colons. */
export function splitPort(text: string): { readonly name: string; readonly port?: string } {
  const colon = text.lastIndexOf(':');
  const port = text.slice(colon + 1);
  const isAddress = text.indexOf(':') !== colon && !text.startsWith('[');
  if (colon <= 0 || port === '' || isAddress) return { name: text };
  return { name: text.slice(0, colon).replace(/^\[|\]$/g, ''), port };
}

function isPort(candidate: HostPort, text: string): boolean {
  return /^\d+$/.test(text) ? candidate.port === Number(text) : candidate.name === text;
}

function portNumber(text: string, workload: Workload): number | undefined {
  if (!/^\d+$/.test(text)) return workload.ports.find(({ name }) => name === text)?.port;
  const number = Number(text);
  return number >= 1 && number <= 65535 ? number : undefined;
}

function onlyPort(mesh: Mesh, workload: Workload): number | undefined {
  const own = containerPorts(workload);
  const ports = own.length > 0 ? own : portsOf(mesh, workload);
  return ports.length === 1 ? ports[0] : undefined;
}

function portWords({ name, port }: HostPort): string {
  return name === '' ? String(port) : `${port} (${name})`;
}

/** VirtualService, the part that decides which service and subset a call goes to. */
import { FieldReader, type Fields, type StringMap } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export interface RouteDestination {
  /** As written; see `fullHost`. */
  readonly host: string;
  readonly subset?: string;
  /** The destination's Service port; the called port when absent. */
  readonly port?: number;
  /** 0 sends nothing here. Absent: the only destination. */
  readonly weight?: number;
  readonly field: string;
}

export interface RouteSource {
  readonly labels: StringMap;
  readonly namespace: string;
}

export interface Route {
  readonly destinations: readonly RouteDestination[];
  /** The route takes everything that reaches it: it has no match, or a match without conditions. */
  readonly catchAll: boolean;
  /** Called ports that the route is for; empty for every port. */
  readonly ports: readonly number[];
  /** Clients that the route is for: one of these must match; empty for all clients. */
  readonly sources: readonly RouteSource[];
  readonly field: string;
}

export interface VirtualService extends Parsed {
  readonly hosts: readonly string[];
  /** `mesh` stands for sidecars; absent in the manifest means `mesh` alone. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly http: readonly Route[];
  readonly tls: readonly Route[];
  readonly tcp: readonly Route[];
}

export function parseVirtualService(object: KubeObject): VirtualService {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const gateways = reader.strings(spec.gateways, 'spec.gateways');
  const routes = (name: 'http' | 'tls' | 'tcp'): readonly Route[] =>
    reader
      .list(spec[name], `spec.${name}`)
      .map((item, index) => parseRoute(item, `spec.${name}[${index}]`, reader));
  return {
    ...parsed,
    hosts: reader.strings(spec.hosts, 'spec.hosts'),
    gateways: gateways.length > 0 ? gateways : ['mesh'],
    exportTo: reader.strings(spec.exportTo, 'spec.exportTo'),
    http: routes('http'),
    tls: routes('tls'),
    tcp: routes('tcp'),
  };
}

function parseRoute(value: unknown, field: string, reader: FieldReader): Route {
  const route = reader.fields(value, field);
  const matches = reader.list(route.match, `${field}.match`);
  const conditions = matches.map((item, index) => reader.fields(item, `${field}.match[${index}]`));
  const ports = conditions.map((match, index) => reader.port(match.port, `${field}.match[${index}].port`));
  const sources = conditions.map((match, index) => ({
    labels: reader.stringMap(match.sourceLabels, `${field}.match[${index}].sourceLabels`),
    namespace: reader.string(match.sourceNamespace, `${field}.match[${index}].sourceNamespace`) ?? '',
  }));
  const open = sources.some((source) => source.namespace === '' && Object.keys(source.labels).length === 0);
  const destinations: RouteDestination[] = [];
  for (const [index, item] of reader.list(route.route, `${field}.route`).entries()) {
    const path = `${field}.route[${index}]`;
    const entry = reader.fields(item, path);
    const destination = parseDestination(entry, path, reader);
    if (destination !== undefined) destinations.push(destination);
  }
  return {
    destinations,
    catchAll: conditions.length === 0 || conditions.some((match) => isOpen(match)),
    ports: ports.every((port) => port !== undefined) ? ports : [],
    sources: open ? [] : sources,
    field,
  };
}

/** A match that holds for every call (but for its port): conditions on the call itself make it narrower. */
function isOpen(match: Fields): boolean {
  return Object.keys(match).every(
    (key) => key === 'name' || key === 'port' || (key === 'uri' && isRootPrefix(match.uri)),
  );
}

function isRootPrefix(uri: unknown): boolean {
  return typeof uri === 'object' && uri !== null && 'prefix' in uri && uri.prefix === '/';
}

function parseDestination(entry: Fields, path: string, reader: FieldReader): RouteDestination | undefined {
  const destination = reader.fields(entry.destination, `${path}.destination`);
  const host = reader.string(destination.host, `${path}.destination.host`);
  if (host === undefined) return undefined;
  const subset = reader.string(destination.subset, `${path}.destination.subset`);
  const port = reader.port(
    reader.fields(destination.port, `${path}.destination.port`).number,
    `${path}.destination.port.number`,
  );
  const weight = typeof entry.weight === 'number' ? entry.weight : undefined;
  return {
    host,
    ...(subset === undefined || subset === '' ? {} : { subset }),
    ...(port === undefined ? {} : { port }),
    ...(weight === undefined ? {} : { weight }),
    field: `${path}.destination`,
  };
}

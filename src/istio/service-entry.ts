/** ServiceEntry and WorkloadEntry: hosts and endpoints that Kubernetes does not know. */
import { FieldReader, type Fields, type StringMap } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';
import { parseWorkloadSelector, type WorkloadSelector } from './selector.ts';

export interface ServiceEntryPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly targetPort?: number;
}

/** An endpoint outside Kubernetes: a ServiceEntry's inline one, or a WorkloadEntry. */
export interface ExternalEndpoint {
  readonly address: string;
  readonly labels: StringMap;
  readonly serviceAccount: string;
  /** By port name; the Service's own port where a name is missing. */
  readonly ports: ReadonlyMap<string, number>;
}

export type Resolution = 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS';

export interface ServiceEntry extends Parsed {
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly ports: readonly ServiceEntryPort[];
  /** `MESH_EXTERNAL` where nothing is written, whatever the endpoints are. */
  readonly location: 'MESH_EXTERNAL' | 'MESH_INTERNAL';
  readonly resolution: Resolution;
  readonly endpoints: readonly ExternalEndpoint[];
  readonly selector: WorkloadSelector;
  readonly exportTo: readonly string[];
  readonly subjectAltNames: readonly string[];
}

export interface WorkloadEntry extends Parsed, ExternalEndpoint {}

const resolutions = ['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'] as const;

export function parseServiceEntry(object: KubeObject): ServiceEntry {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const ports: ServiceEntryPort[] = [];
  for (const [index, item] of reader.list(spec.ports, 'spec.ports').entries()) {
    const field = `spec.ports[${index}]`;
    const entry = reader.fields(item, field);
    const port = reader.port(entry.number, `${field}.number`);
    if (port === undefined) continue;
    const targetPort = reader.port(entry.targetPort, `${field}.targetPort`);
    ports.push({
      name: reader.string(entry.name, `${field}.name`) ?? '',
      port,
      protocol: reader.string(entry.protocol, `${field}.protocol`) ?? '',
      ...(targetPort === undefined ? {} : { targetPort }),
    });
  }
  return {
    ...parsed,
    hosts: reader.strings(spec.hosts, 'spec.hosts'),
    addresses: reader.strings(spec.addresses, 'spec.addresses'),
    ports,
    location:
      reader.word(spec.location, 'spec.location', ['MESH_EXTERNAL', 'MESH_INTERNAL'] as const) ??
      'MESH_EXTERNAL',
    resolution: reader.word(spec.resolution, 'spec.resolution', resolutions) ?? 'NONE',
    endpoints: reader
      .list(spec.endpoints, 'spec.endpoints')
      .map((item, index) =>
        parseEndpoint(reader.fields(item, `spec.endpoints[${index}]`), `spec.endpoints[${index}]`, reader),
      ),
    selector: parseWorkloadSelector(spec.workloadSelector, 'spec.workloadSelector', reader, 'labels'),
    exportTo: reader.strings(spec.exportTo, 'spec.exportTo'),
    subjectAltNames: reader.strings(spec.subjectAltNames, 'spec.subjectAltNames'),
  };
}

/** Reads a WorkloadEntry. Its own labels count together with those in `spec.labels`, which win. */
export function parseWorkloadEntry(object: KubeObject): WorkloadEntry {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const endpoint = parseEndpoint(reader.fields(object.spec, 'spec'), 'spec', reader);
  return { ...parsed, ...endpoint, labels: { ...parsed.labels, ...endpoint.labels } };
}

function parseEndpoint(spec: Fields, field: string, reader: FieldReader): ExternalEndpoint {
  const ports = new Map<string, number>();
  for (const [name, value] of Object.entries(reader.fields(spec.ports, `${field}.ports`))) {
    const port = reader.port(value, `${field}.ports.${name}`);
    if (port !== undefined) ports.set(name, port);
  }
  return {
    address: reader.string(spec.address, `${field}.address`) ?? '',
    labels: reader.stringMap(spec.labels, `${field}.labels`),
    serviceAccount: reader.string(spec.serviceAccount, `${field}.serviceAccount`) ?? '',
    ports,
  };
}

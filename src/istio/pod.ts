/** Pods and pod templates: containers, ports, and the marks that injection leaves. */
import { FieldReader, type Fields, type StringMap } from './fields.ts';
import type { KubeObject, OwnerReference } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export interface ContainerPort {
  readonly port: number;
  readonly name: string;
  /** TCP where none is written. */
  readonly protocol: string;
  readonly protocolWritten: boolean;
  readonly container: string;
}

/** What Padlock reads of a pod's spec and of the metadata that its template sets. */
export interface PodTemplate {
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly serviceAccount: string;
  readonly hostNetwork: boolean;
  /** Ports of application containers and of native sidecars (init containers that keep running). */
  readonly ports: readonly ContainerPort[];
  /** Names of the ordinary containers. */
  readonly containers: readonly string[];
  /** Names of init containers with `restartPolicy: Always`. */
  readonly nativeSidecars: readonly string[];
  /** Arguments of the `istio-proxy` container: `proxy sidecar` or `proxy router`. */
  readonly proxyArgs: readonly string[];
}

export interface Pod extends Parsed, PodTemplate {
  readonly owners: readonly OwnerReference[];
  readonly phase: string;
  readonly ready: boolean;
  readonly ips: readonly string[];
  readonly deleting: boolean;
}

export function parsePod(object: KubeObject): Pod {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const status = reader.fields(object.status, 'status');
  const meta: Fields = reader.fields(object.metadata, 'metadata');
  const template = parsePodSpec(object.spec, 'spec', reader, parsed.labels, parsed.annotations);
  return {
    ...parsed,
    ...template,
    owners: parseOwners(meta.ownerReferences, reader),
    phase: reader.string(status.phase, 'status.phase') ?? '',
    ready: parseReady(status.conditions, reader),
    ips: parseIPs(status, reader),
    deleting: meta.deletionTimestamp !== undefined && meta.deletionTimestamp !== null,
  };
}

/** A pod template (`spec.template` of a Deployment and its like), read the way its pods would be. */
export function parsePodTemplate(value: unknown, field: string, reader: FieldReader): PodTemplate {
  const template = reader.fields(value, field);
  const meta = reader.fields(template.metadata, `${field}.metadata`);
  return parsePodSpec(
    template.spec,
    `${field}.spec`,
    reader,
    reader.stringMap(meta.labels, `${field}.metadata.labels`),
    reader.stringMap(meta.annotations, `${field}.metadata.annotations`),
  );
}

function parsePodSpec(
  value: unknown,
  field: string,
  reader: FieldReader,
  labels: StringMap,
  annotations: StringMap,
): PodTemplate {
  const spec = reader.fields(value, field);
  const ports: ContainerPort[] = [];
  const containers: string[] = [];
  const nativeSidecars: string[] = [];
  let proxyArgs: readonly string[] = [];
  const list = (name: 'containers' | 'initContainers') => {
    for (const [index, item] of reader.list(spec[name], `${field}.${name}`).entries()) {
      const path = `${field}.${name}[${index}]`;
      const container = reader.fields(item, path);
      const native = name === 'initContainers';
      if (native && container.restartPolicy !== 'Always') continue;
      const containerName = reader.string(container.name, `${path}.name`) ?? '';
      (native ? nativeSidecars : containers).push(containerName);
      if (containerName === 'istio-proxy') proxyArgs = reader.strings(container.args, `${path}.args`);
      if (container.ports !== undefined) {
        parseContainerPorts(container.ports, `${path}.ports`, reader, containerName, ports);
      }
    }
  };
  list('containers');
  list('initContainers');
  return {
    labels,
    annotations,
    serviceAccount:
      reader.string(spec.serviceAccountName, `${field}.serviceAccountName`) ||
      reader.string(spec.serviceAccount, `${field}.serviceAccount`) ||
      'default',
    hostNetwork: reader.boolean(spec.hostNetwork, `${field}.hostNetwork`) ?? false,
    ports,
    containers,
    nativeSidecars,
    proxyArgs,
  };
}

function parseContainerPorts(
  value: unknown,
  field: string,
  reader: FieldReader,
  container: string,
  into: ContainerPort[],
): void {
  for (const [index, item] of reader.list(value, field).entries()) {
    const path = `${field}[${index}]`;
    const entry = reader.fields(item, path);
    const port = reader.port(entry.containerPort, `${path}.containerPort`);
    if (port === undefined) continue;
    into.push({
      port,
      name: reader.string(entry.name, `${path}.name`) ?? '',
      protocol: reader.string(entry.protocol, `${path}.protocol`) ?? 'TCP',
      protocolWritten: entry.protocol !== undefined,
      container,
    });
  }
}

function parseReady(value: unknown, reader: FieldReader): boolean {
  for (const item of reader.list(value, 'status.conditions')) {
    const condition = reader.fields(item, 'status.conditions');
    if (condition.type === 'Ready') return condition.status === 'True';
  }
  return false;
}

function parseIPs(status: Fields, reader: FieldReader): readonly string[] {
  const ips: string[] = [];
  for (const item of reader.list(status.podIPs, 'status.podIPs')) {
    const ip = reader.string(reader.fields(item, 'status.podIPs').ip, 'status.podIPs.ip');
    if (ip !== undefined) ips.push(ip);
  }
  const first = reader.string(status.podIP, 'status.podIP');
  if (first !== undefined && first !== '' && !ips.includes(first)) ips.unshift(first);
  return ips;
}

/** Owner references whose fields are all there; the controller is the one that made the object. */
export function parseOwners(value: unknown, reader: FieldReader): readonly OwnerReference[] {
  const owners: OwnerReference[] = [];
  for (const [index, item] of reader.list(value, 'metadata.ownerReferences').entries()) {
    const field = `metadata.ownerReferences[${index}]`;
    const owner = reader.fields(item, field);
    const kind = reader.string(owner.kind, `${field}.kind`);
    const name = reader.string(owner.name, `${field}.name`);
    if (kind === undefined || name === undefined) continue;
    owners.push({
      apiVersion: reader.string(owner.apiVersion, `${field}.apiVersion`) ?? '',
      kind,
      name,
      uid: reader.string(owner.uid, `${field}.uid`) ?? '',
      ...(owner.controller === true ? { controller: true } : {}),
    });
  }
  return owners;
}

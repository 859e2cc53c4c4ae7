/** Kubernetes Services, the part that decides who is behind a host and how Istio's clients reach them. */
import { FieldReader, type StringMap } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** TCP where none is written. */
  readonly protocol: string;
  readonly protocolWritten: boolean;
  /** A number, or the name of a container port; the port itself when absent. */
  readonly targetPort: number | string;
  readonly appProtocol?: string;
}

export interface Service extends Parsed {
  readonly type: string;
  /** `''` when the manifest leaves it to the API server; `None` for a headless service. */
  readonly clusterIP: string;
  readonly headless: boolean;
  readonly externalName?: string;
  /** Absent: endpoints are made by hand, or there are none. */
  readonly selector?: StringMap;
  readonly ports: readonly ServicePort[];
  readonly publishNotReadyAddresses: boolean;
  readonly externalIPs: readonly string[];
}

export function parseService(object: KubeObject): Service {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const type = reader.string(spec.type, 'spec.type') ?? 'ClusterIP';
  const clusterIP = reader.string(spec.clusterIP, 'spec.clusterIP') ?? '';
  const selector = reader.stringMap(spec.selector, 'spec.selector');
  const externalName = reader.string(spec.externalName, 'spec.externalName');
  const ports: ServicePort[] = [];
  for (const [index, item] of reader.list(spec.ports, 'spec.ports').entries()) {
    const port = parseServicePort(item, `spec.ports[${index}]`, reader);
    if (port !== undefined) ports.push(port);
  }
  return {
    ...parsed,
    type,
    clusterIP,
    headless: type !== 'ExternalName' && clusterIP === 'None',
    ...(type === 'ExternalName' && externalName !== undefined ? { externalName } : {}),
    ...(Object.keys(selector).length > 0 ? { selector } : {}),
    ports,
    publishNotReadyAddresses:
      reader.boolean(spec.publishNotReadyAddresses, 'spec.publishNotReadyAddresses') ?? false,
    externalIPs: reader.strings(spec.externalIPs, 'spec.externalIPs'),
  };
}

function parseServicePort(value: unknown, field: string, reader: FieldReader): ServicePort | undefined {
  const item = reader.fields(value, field);
  const port = reader.port(item.port, `${field}.port`);
  if (port === undefined) {
    if (item.port === undefined) reader.note(`${field}.port`, 'is missing');
    return undefined;
  }
  const appProtocol = reader.string(item.appProtocol, `${field}.appProtocol`);
  return {
    name: reader.string(item.name, `${field}.name`) ?? '',
    port,
    protocol: reader.string(item.protocol, `${field}.protocol`) ?? 'TCP',
    protocolWritten: item.protocol !== undefined,
    targetPort: parseTargetPort(item.targetPort, `${field}.targetPort`, reader) ?? port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}

/** Kubernetes' IntOrString; 0 and '' count as absent, as they do when the API server fills in defaults. */
function parseTargetPort(value: unknown, field: string, reader: FieldReader): number | string | undefined {
  if (value === undefined || value === null || value === '' || value === 0) return undefined;
  return typeof value === 'string' ? value : reader.port(value, field);
}

/** DestinationRule, the part that decides what a client's sidecar sends. */
import { FieldReader, type StringMap } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';
import { parseWorkloadSelector, type WorkloadSelector } from './selector.ts';

export type ClientTlsMode = 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';

export interface ClientTls {
  /** `DISABLE` when the block names no mode: the API's zero value. */
  readonly mode: ClientTlsMode;
  /** True when the block is there without a mode, which surprises people. */
  readonly modeOmitted: boolean;
  readonly credentialName: string;
  readonly clientCertificate: string;
  readonly privateKey: string;
  readonly sni: string;
  readonly subjectAltNames: readonly string[];
  /** Path of the block in its DestinationRule: `spec.trafficPolicy.tls`. */
  readonly field: string;
}

export interface PortTrafficPolicy {
  /** The Service's port number. */
  readonly port: number;
  readonly tls?: ClientTls;
  /** `loadBalancer.simple: PASSTHROUGH`. */
  readonly passthrough?: boolean;
  readonly field: string;
}

export interface TrafficPolicy {
  readonly tls?: ClientTls;
  readonly ports: readonly PortTrafficPolicy[];
  /** `loadBalancer.simple: PASSTHROUGH`; undefined when the policy has no `loadBalancer`. */
  readonly passthrough?: boolean;
  readonly field: string;
}

export interface Subset {
  readonly name: string;
  readonly labels: StringMap;
  readonly trafficPolicy?: TrafficPolicy;
  readonly field: string;
}

export interface DestinationRule extends Parsed {
  /** As written; see `fullHost`. */
  readonly host: string;
  readonly exportTo: readonly string[];
  readonly selector: WorkloadSelector;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets: readonly Subset[];
}

const tlsModes = ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'] as const;

export function parseDestinationRule(object: KubeObject): DestinationRule {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const trafficPolicy = parseTrafficPolicy(spec.trafficPolicy, 'spec.trafficPolicy', reader);
  return {
    ...parsed,
    host: reader.string(spec.host, 'spec.host') ?? '',
    exportTo: reader.strings(spec.exportTo, 'spec.exportTo'),
    selector: parseWorkloadSelector(spec.workloadSelector, 'spec.workloadSelector', reader),
    ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
    subsets: reader.list(spec.subsets, 'spec.subsets').map((item, index): Subset => {
      const field = `spec.subsets[${index}]`;
      const subset = reader.fields(item, field);
      const policy = parseTrafficPolicy(subset.trafficPolicy, `${field}.trafficPolicy`, reader);
      return {
        name: reader.string(subset.name, `${field}.name`) ?? '',
        labels: reader.stringMap(subset.labels, `${field}.labels`),
        ...(policy === undefined ? {} : { trafficPolicy: policy }),
        field,
      };
    }),
  };
}

function parseTrafficPolicy(value: unknown, field: string, reader: FieldReader): TrafficPolicy | undefined {
  const policy = reader.optionalFields(value, field);
  if (policy === undefined) return undefined;
  const ports: PortTrafficPolicy[] = [];
  for (const [index, item] of reader.list(policy.portLevelSettings, `${field}.portLevelSettings`).entries()) {
    const path = `${field}.portLevelSettings[${index}]`;
    const entry = reader.fields(item, path);
    const port = reader.port(reader.fields(entry.port, `${path}.port`).number, `${path}.port.number`);
    if (port === undefined) continue;
    ports.push({ port, ...parseLevel(entry, path, reader), field: path });
  }
  return { ...parseLevel(policy, field, reader), ports, field };
}

function parseLevel(
  policy: Readonly<Record<string, unknown>>,
  field: string,
  reader: FieldReader,
): { readonly tls?: ClientTls; readonly passthrough?: boolean } {
  const tls = parseClientTls(policy.tls, `${field}.tls`, reader);
  const balancer = reader.optionalFields(policy.loadBalancer, `${field}.loadBalancer`);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(balancer === undefined ? {} : { passthrough: balancer.simple === 'PASSTHROUGH' }),
  };
}

function parseClientTls(value: unknown, field: string, reader: FieldReader): ClientTls | undefined {
  const tls = reader.optionalFields(value, field);
  if (tls === undefined) return undefined;
  const mode = reader.word(tls.mode, `${field}.mode`, tlsModes);
  return {
    mode: mode ?? 'DISABLE',
    modeOmitted: mode === undefined,
    credentialName: reader.string(tls.credentialName, `${field}.credentialName`) ?? '',
    clientCertificate: reader.string(tls.clientCertificate, `${field}.clientCertificate`) ?? '',
    privateKey: reader.string(tls.privateKey, `${field}.privateKey`) ?? '',
    sni: reader.string(tls.sni, `${field}.sni`) ?? '',
    subjectAltNames: reader.strings(tls.subjectAltNames, `${field}.subjectAltNames`),
    field,
  };
}

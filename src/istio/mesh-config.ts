/** Mesh config: what the control plane was told for the whole mesh, from the config maps `istio` and `istio-REVISION`. */
import { parse } from 'yaml';
import { FieldReader, type Fields, isFields, noStrings, type StringMap } from './fields.ts';
import type { KubeObject, ObjectRef } from './kubernetes.ts';
import { parseMetadata } from './metadata.ts';

export type OutboundPolicy = 'ALLOW_ANY' | 'REGISTRY_ONLY';

export interface MeshConfig {
  /** Where it was read; absent for Istio's defaults. */
  readonly ref?: ObjectRef;
  /** The revision that it belongs to: `default`, or what follows `istio-` in the config map's name. */
  readonly revision: string;
  readonly rootNamespace: string;
  readonly enableAutoMtls: boolean;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /** What Service hosts end in. */
  readonly clusterDomain: string;
  /** What the control plane completes short names with; empty when it was given no domain and leaves them as `NAME.NAMESPACE`. */
  readonly shortNameDomain: string;
  readonly outboundTrafficPolicy: OutboundPolicy;
  readonly defaultServiceExportTo: readonly string[];
  readonly defaultVirtualServiceExportTo: readonly string[];
  readonly defaultDestinationRuleExportTo: readonly string[];
  readonly minProtocolVersion: 'TLSV1_2' | 'TLSV1_3';
  /** Where proxies write their access logs, `/dev/stdout`; empty, which is Istio's default: nowhere, unless a Telemetry asks for them. */
  readonly accessLogFile: string;
  /** `defaultConfig.proxyMetadata`, for instance ISTIO_META_ENABLE_HBONE. */
  readonly proxyMetadata: StringMap;
  readonly discoverySelectors: readonly LabelSelector[];
  readonly problems: FieldReader['problems'];
}

/** A Kubernetes label selector in full, as `discoverySelectors` uses it. */
export interface LabelSelector {
  readonly matchLabels: StringMap;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

/** What Istio assumes where nothing is written (pkg/config/mesh defaults; istio.io, MeshConfig). */
export const defaultMeshConfig: MeshConfig = {
  revision: 'default',
  rootNamespace: 'istio-system',
  enableAutoMtls: true,
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  clusterDomain: 'cluster.local',
  shortNameDomain: 'cluster.local',
  outboundTrafficPolicy: 'ALLOW_ANY',
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  defaultDestinationRuleExportTo: ['*'],
  minProtocolVersion: 'TLSV1_2',
  accessLogFile: '',
  proxyMetadata: noStrings,
  discoverySelectors: [],
  problems: [],
};

/** The revision whose mesh config a config map holds; undefined for every other config map. */
export function meshConfigRevision(object: KubeObject): string | undefined {
  if (object.kind !== 'ConfigMap') return undefined;
  const name: unknown = object.metadata?.name;
  if (typeof name !== 'string' || !isFields(object.data) || typeof object.data.mesh !== 'string')
    return undefined;
  if (name === 'istio') return 'default';
  return name.startsWith('istio-') ? name.slice('istio-'.length) : undefined;
}

/** Reads the config map's `mesh` entry, YAML in text. Text that is no YAML is a problem and leaves the defaults standing. */
export function parseMeshConfig(object: KubeObject): MeshConfig {
  const reader = new FieldReader();
  const { ref } = parseMetadata(object, reader);
  const revision = meshConfigRevision(object) ?? 'default';
  const text = reader.string(reader.fields(object.data, 'data').mesh, 'data.mesh') ?? '';
  return { ...readMeshConfig(parseYaml(text, reader), reader), ref, revision };
}

function parseYaml(text: string, reader: FieldReader): Fields {
  try {
    const value: unknown = parse(text, { maxAliasCount: 100, logLevel: 'silent' });
    return reader.fields(value, 'data.mesh');
  } catch (error) {
    reader.note(
      'data.mesh',
      `is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
    return {};
  }
}

/** Mesh config from data that is already parsed. */
export function readMeshConfig(mesh: Fields, reader: FieldReader): MeshConfig {
  const base = defaultMeshConfig;
  const at = (field: string) => `data.mesh.${field}`;
  const exportTo = (field: string): readonly string[] => {
    const list = reader.strings(mesh[field], at(field));
    return list.length > 0 ? list : ['*'];
  };
  const outbound = reader.fields(mesh.outboundTrafficPolicy, at('outboundTrafficPolicy'));
  const tls = reader.fields(mesh.meshMTLS, at('meshMTLS'));
  const defaults = reader.fields(mesh.defaultConfig, at('defaultConfig'));
  return {
    revision: base.revision,
    rootNamespace: reader.string(mesh.rootNamespace, at('rootNamespace')) || base.rootNamespace,
    enableAutoMtls: reader.boolean(mesh.enableAutoMtls, at('enableAutoMtls')) ?? base.enableAutoMtls,
    trustDomain: reader.string(mesh.trustDomain, at('trustDomain')) || base.trustDomain,
    trustDomainAliases: reader.strings(mesh.trustDomainAliases, at('trustDomainAliases')),
    clusterDomain: base.clusterDomain,
    shortNameDomain: base.shortNameDomain,
    outboundTrafficPolicy:
      reader.word(outbound.mode, at('outboundTrafficPolicy.mode'), ['ALLOW_ANY', 'REGISTRY_ONLY'] as const) ??
      base.outboundTrafficPolicy,
    defaultServiceExportTo: exportTo('defaultServiceExportTo'),
    defaultVirtualServiceExportTo: exportTo('defaultVirtualServiceExportTo'),
    defaultDestinationRuleExportTo: exportTo('defaultDestinationRuleExportTo'),
    minProtocolVersion:
      reader.string(tls.minProtocolVersion, at('meshMTLS.minProtocolVersion')) === 'TLSV1_3'
        ? 'TLSV1_3'
        : 'TLSV1_2',
    accessLogFile: reader.string(mesh.accessLogFile, at('accessLogFile')) ?? base.accessLogFile,
    proxyMetadata: reader.stringMap(defaults.proxyMetadata, at('defaultConfig.proxyMetadata')),
    discoverySelectors: reader
      .list(mesh.discoverySelectors, at('discoverySelectors'))
      .map((item, index) => parseLabelSelector(item, at(`discoverySelectors[${index}]`), reader)),
    problems: reader.problems,
  };
}

function parseLabelSelector(value: unknown, field: string, reader: FieldReader): LabelSelector {
  const selector = reader.fields(value, field);
  const expressions = reader.list(selector.matchExpressions, `${field}.matchExpressions`);
  return {
    matchLabels: reader.stringMap(selector.matchLabels, `${field}.matchLabels`),
    matchExpressions: expressions.map((item, index) => {
      const path = `${field}.matchExpressions[${index}]`;
      const expression = reader.fields(item, path);
      return {
        key: reader.string(expression.key, `${path}.key`) ?? '',
        operator: reader.string(expression.operator, `${path}.operator`) ?? '',
        values: reader.strings(expression.values, `${path}.values`),
      };
    }),
  };
}

/** Kubernetes' own rules for label selectors; an operator that it does not know matches nothing. */
export function labelSelectorMatches(selector: LabelSelector, labels: StringMap): boolean {
  for (const key in selector.matchLabels) if (labels[key] !== selector.matchLabels[key]) return false;
  return selector.matchExpressions.every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
}

/** True when istiod looks at the namespace at all: no selectors, or one of them matches its labels. */
export function namespaceDiscovered(config: MeshConfig, labels: StringMap): boolean {
  return (
    config.discoverySelectors.length === 0 ||
    config.discoverySelectors.some((selector) => labelSelectorMatches(selector, labels))
  );
}

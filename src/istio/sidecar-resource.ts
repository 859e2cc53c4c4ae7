/** The Sidecar resource: which services a proxy knows, and which of its ports it listens on. */

import type { StringMap } from './fields.ts';
import { FieldReader } from './fields.ts';
import { hostMatches, hostsOverlap, isWildcard } from './hostname.ts';
import type { KubeObject } from './kubernetes.ts';
import type { OutboundPolicy } from './mesh-config.ts';
import { byCreation, type Parsed, parseMetadata } from './metadata.ts';
import { matchesLabels, parseWorkloadSelector, type WorkloadSelector } from './selector.ts';

export interface EgressListener {
  /** `NAMESPACE/HOST` entries as written. */
  readonly hosts: readonly string[];
  /** Only services with this port; absent for all. */
  readonly port?: number;
  /** What the listener of that port speaks, whatever the services' own ports say; only with a port. */
  readonly protocol?: string;
}

export interface IngressListener {
  readonly port: number;
  readonly protocol: string;
  readonly name: string;
}

export interface SidecarResource extends Parsed {
  readonly selector: WorkloadSelector;
  readonly egress: readonly EgressListener[];
  readonly ingress: readonly IngressListener[];
  readonly outboundTrafficPolicy?: OutboundPolicy;
}

export function parseSidecar(object: KubeObject): SidecarResource {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const outbound = reader.optionalFields(spec.outboundTrafficPolicy, 'spec.outboundTrafficPolicy');
  const mode =
    outbound === undefined
      ? undefined
      : (reader.word(outbound.mode, 'spec.outboundTrafficPolicy.mode', [
          'REGISTRY_ONLY',
          'ALLOW_ANY',
        ] as const) ??
        // The API's zero value, unlike the mesh's default.
        'REGISTRY_ONLY');
  return {
    ...parsed,
    selector: parseWorkloadSelector(spec.workloadSelector, 'spec.workloadSelector', reader, 'labels'),
    egress: reader.list(spec.egress, 'spec.egress').map((item, index) => {
      const field = `spec.egress[${index}]`;
      const listener = reader.fields(item, field);
      const own = reader.fields(listener.port, `${field}.port`);
      const port = reader.port(own.number, `${field}.port.number`);
      const protocol = reader.string(own.protocol, `${field}.port.protocol`);
      return {
        hosts: reader.strings(listener.hosts, `${field}.hosts`),
        ...(port === undefined ? {} : { port }),
        ...(port === undefined || protocol === undefined ? {} : { protocol }),
      };
    }),
    ingress: reader.list(spec.ingress, 'spec.ingress').flatMap((item, index) => {
      const field = `spec.ingress[${index}].port`;
      const listener = reader.fields(reader.fields(item, `spec.ingress[${index}]`).port, field);
      const port = reader.port(listener.number, `${field}.number`);
      if (port === undefined) return [];
      return [
        {
          port,
          protocol: reader.string(listener.protocol, `${field}.protocol`) ?? '',
          name: reader.string(listener.name, `${field}.name`) ?? '',
        },
      ];
    }),
    ...(mode === undefined ? {} : { outboundTrafficPolicy: mode }),
  };
}

/**
 * The Sidecar of a workload: the oldest of its namespace whose selector matches, else the oldest of its namespace without a
 * selector, else the root namespace's without a selector.
 */
export function chooseSidecar<Resource extends SidecarResource>(
  byNamespace: ReadonlyMap<string, readonly Resource[]>,
  rootNamespace: string,
  namespace: string,
  labels: StringMap,
): Resource | undefined {
  const own = [...(byNamespace.get(namespace) ?? [])].sort(byCreation);
  return (
    own.find(
      (sidecar) => sidecar.selector.labels !== undefined && matchesLabels(sidecar.selector.labels, labels),
    ) ??
    own.find((sidecar) => sidecar.selector.labels === undefined) ??
    [...(byNamespace.get(rootNamespace) ?? [])]
      .sort(byCreation)
      .find((sidecar) => sidecar.selector.labels === undefined)
  );
}

interface EgressEntry {
  readonly excludes: boolean;
  /** `*` for any namespace, `.` for the proxy's own. */
  readonly namespace: string;
  readonly pattern: string;
}

/** `NAMESPACE/HOST`; a leading `~` excludes, from every namespace when it stands alone. Undefined without exactly one slash. */
function parseEgressHost(entry: string): EgressEntry | undefined {
  const [space = '', pattern, more] = entry.split('/');
  if (pattern === undefined || more !== undefined) return undefined;
  const excludes = space.startsWith('~');
  return { excludes, namespace: excludes ? space.slice(1) || '*' : space, pattern };
}

/** True when an egress listener imports a host of a namespace. */
export function egressImports(
  listener: EgressListener,
  proxyNamespace: string,
  namespace: string,
  host: string,
): boolean {
  const covering = listener.hosts
    .map(parseEgressHost)
    .filter((entry) => entry !== undefined)
    .filter(
      (entry) =>
        entry.namespace === '*' ||
        entry.namespace === namespace ||
        (entry.namespace === '.' && namespace === proxyNamespace),
    );
  const covers = (entry: EgressEntry) =>
    hostMatches(entry.pattern, host) || (isWildcard(host) && hostsOverlap(entry.pattern, host));
  return (
    covering.some((entry) => !entry.excludes && covers(entry)) &&
    !covering.some((entry) => entry.excludes && hostMatches(entry.pattern, host))
  );
}

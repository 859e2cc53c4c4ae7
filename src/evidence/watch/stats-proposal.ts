/**
 * The statistics that refused connections and failed handshakes need: a default mesh does not keep them (Istio's stats
 * matcher leaves them out). A ProxyConfig resource cannot add them (its spec knows image, concurrency and environment), so
 * they are proposed as the pod template's annotation `proxy.istio.io/config`, merged into what it says already, or for the
 * whole mesh under `meshConfig.defaultConfig`. Either takes a restart of the pods.
 */
import { parse, stringify } from 'yaml';
import { formatRef, type KubeObject, type ObjectRef } from '../../istio/kubernetes.ts';
import { asList, asObject, asText, dig, isObject, type JsonObject } from '../../sources/json-value.ts';

/** Whole names, as Envoy matches them: handshakes of the inbound listener, connections without a chain, what was inspected. */
export const wantedStats: readonly string[] = [
  'listener\\..*_15006\\.ssl\\.(handshake|connection_error|no_certificate|fail_verify_.*)',
  'listener\\..*_15006\\.no_filter_chain_match',
  'tls_inspector\\..*',
];

const annotation = 'proxy.istio.io/config';

export interface StatsProposal {
  readonly target: ObjectRef;
  /** A merge patch of the workload; its pods are made anew. */
  readonly patch: JsonObject;
}

export interface Proposed {
  readonly proposals: readonly StatsProposal[];
  /** Workloads that could not be patched, and why. */
  readonly left: readonly { readonly target: ObjectRef; readonly why: string }[];
}

const templated: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** @param objects of the namespace; those that keep the statistics already need no patch */
export function proposeStats(objects: readonly KubeObject[]): Proposed {
  const proposals: StatsProposal[] = [];
  const left: Proposed['left'][number][] = [];
  for (const object of objects) {
    if (!templated.has(object.kind)) continue;
    const { namespace, name } = object.metadata;
    const target = { kind: object.kind, name, ...(namespace === undefined ? {} : { namespace }) };
    const present = asText(dig(object.spec, 'template', 'metadata', 'annotations', annotation));
    const widened = widen(present);
    if (widened === undefined) left.push({ target, why: `its annotation ${annotation} is no YAML mapping` });
    else if (widened !== present) {
      const metadata = { annotations: { [annotation]: widened } };
      proposals.push({ target, patch: { spec: { template: { metadata } } } });
    }
  }
  return { proposals, left };
}

/** The same for every proxy of the mesh, as a piece of mesh config. */
export function meshConfigStats(): string {
  return stringify({ defaultConfig: { proxyStatsMatcher: { inclusionRegexps: wantedStats } } });
}

/** @returns the annotation with the statistics added; undefined where it cannot be read */
function widen(present: string | undefined): string | undefined {
  const config = present === undefined ? {} : read(present);
  if (config === undefined) return undefined;
  const matcher = asObject(config.proxyStatsMatcher);
  const regexps = asList(matcher.inclusionRegexps).filter((one) => typeof one === 'string');
  const missing = wantedStats.filter((wanted) => !regexps.includes(wanted));
  if (missing.length === 0 && present !== undefined) return present;
  const proxyStatsMatcher = { ...matcher, inclusionRegexps: [...regexps, ...missing] };
  return stringify({ ...config, proxyStatsMatcher });
}

function read(text: string): JsonObject | undefined {
  try {
    const value: unknown = parse(text, { maxAliasCount: 10, logLevel: 'error' });
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'YAMLParseError') return undefined;
    throw error;
  }
}

/** Commands that a person can run one by one. */
export function statsCommands({ proposals, left }: Proposed): string {
  const lines = proposals.map(({ target, patch }) => {
    const where = target.namespace === undefined ? '' : ` -n ${target.namespace}`;
    const text = JSON.stringify(patch).replaceAll("'", "'\\''");
    return `kubectl patch ${target.kind.toLowerCase()} ${target.name}${where} --type merge -p '${text}'\n`;
  });
  const notes = left.map(({ target, why }) => `# ${formatRef(target)} is left out: ${why}\n`);
  return [...lines, ...notes].join('');
}

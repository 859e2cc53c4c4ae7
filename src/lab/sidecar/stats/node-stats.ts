/** Which statistics a node asked for, from the metadata that injection gives it. */
import type { ProxyNode } from '../proxy.ts';
import type { StatsInclusion } from './stats-matcher.ts';

/**
 * What `proxyStatsMatcher` of the pod's or the mesh's proxy config asks for. Where neither says anything the lab keeps
 * everything, unlike a cluster, so that what widely read guides show is there to be seen.
 */
export function readStatsInclusion(node: ProxyNode): StatsInclusion {
  const config = asRecord(node.metadata.PROXY_CONFIG);
  const matcher = config === undefined ? undefined : asRecord(config.proxyStatsMatcher);
  if (matcher === undefined) return { prefixes: [], suffixes: [], regexps: ['.*'] };
  return {
    prefixes: strings(matcher.inclusionPrefixes),
    suffixes: strings(matcher.inclusionSuffixes),
    regexps: strings(matcher.inclusionRegexps),
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

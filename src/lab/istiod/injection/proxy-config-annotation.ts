/** The pod's own proxy settings: annotation `proxy.istio.io/config`, and the older ones for statistics (istio.io, Resource Annotations). */
import { parse } from 'yaml';
import { type Fields, isFields, type StringMap } from '../../../istio/fields.ts';

/** The fields of ProxyConfig that the pod sets; text that is no YAML sets none, as injection would have refused it. */
export function proxyConfigOf(annotations: StringMap): Fields {
  const text = annotations['proxy.istio.io/config'];
  const parsed: unknown = text === undefined ? {} : parse(text, { maxAliasCount: 10, logLevel: 'silent' });
  const config = isFields(parsed) ? parsed : {};
  const list = (name: string): readonly string[] =>
    (annotations[`sidecar.istio.io/stats${name}`] ?? '').split(',').filter((item) => item !== '');
  const added = {
    inclusionPrefixes: list('InclusionPrefixes'),
    inclusionSuffixes: list('InclusionSuffixes'),
    inclusionRegexps: list('InclusionRegexps'),
  };
  if (Object.values(added).every((items) => items.length === 0)) return config;
  const matcher = isFields(config.proxyStatsMatcher) ? config.proxyStatsMatcher : {};
  const merged = Object.fromEntries(
    Object.entries(added).map(([name, items]) => {
      const own = matcher[name];
      return [name, [...(Array.isArray(own) ? own.map(String) : []), ...items]];
    }),
  );
  return { ...config, proxyStatsMatcher: merged };
}

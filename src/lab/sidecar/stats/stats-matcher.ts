/** Which statistics a proxy keeps: Istio's defaults and what `proxyStatsMatcher` or annotations add (pkg/bootstrap). */

export interface StatsInclusion {
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  readonly regexps: readonly string[];
}

/** What every Istio proxy keeps, whatever else is asked for. */
export const istioDefaultInclusion: StatsInclusion = {
  prefixes: [
    'reporter=',
    'cluster_manager',
    'listener_manager',
    'server',
    'cluster.xds-grpc',
    'wasm',
    'component',
    'istio',
  ],
  suffixes: ['rbac.allowed', 'rbac.denied', 'shadow_allowed', 'shadow_denied'],
  regexps: ['vhost\\..*\\.route\\..*'],
};

export interface StatsMatcherPattern {
  readonly prefix?: string;
  readonly suffix?: string;
  readonly safe_regex?: { readonly regex: string };
}

/** The patterns as the bootstrap of /config_dump lists them. */
export function matcherPatterns(added: StatsInclusion): readonly StatsMatcherPattern[] {
  const all = [istioDefaultInclusion, added];
  return [
    ...all.flatMap(({ prefixes }) => prefixes.map((prefix) => ({ prefix }))),
    ...all.flatMap(({ suffixes }) => suffixes.map((suffix) => ({ suffix }))),
    ...all.flatMap(({ regexps }) => regexps.map((regex) => ({ safe_regex: { regex } }))),
  ];
}

export function compileMatcher(added: StatsInclusion): (name: string) => boolean {
  const all = [istioDefaultInclusion, added];
  const prefixes = all.flatMap((inclusion) => inclusion.prefixes);
  const suffixes = all.flatMap((inclusion) => inclusion.suffixes);
  const regexps = all.flatMap((inclusion) => inclusion.regexps.map((regex) => new RegExp(`^(?:${regex})$`)));
  return (name) =>
    prefixes.some((prefix) => name.startsWith(prefix)) ||
    suffixes.some((suffix) => name.endsWith(suffix)) ||
    regexps.some((regex) => regex.test(name));
}

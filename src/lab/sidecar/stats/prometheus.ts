/** `/stats/prometheus`: names with Envoy's tags taken out of them, in Prometheus' text format (version 0.0.4). */
import { bucketBounds, type Histogram } from './histogram.ts';
import { flatName, type IstioMetrics } from './istio-metrics.ts';
import type { StatLines } from './stat-lines.ts';

/** The tags of Istio's bootstrap, in its order, as /config_dump prints them. */
export const statsTags: readonly { readonly tag_name: string; readonly regex: string }[] = [
  { tag_name: 'cluster_name', regex: '^cluster(\\.(.+);)' },
  {
    tag_name: 'http_conn_manager_prefix',
    regex: '^http\\.(((?:[_.[:digit:]\\w]*|[_\\[\\]aAbBcCdDeEfF[:digit:]\\w\\:]*));\\.)',
  },
  { tag_name: 'thread_name', regex: '^server(\\.(.+))\\.watchdog' },
  { tag_name: 'tcp_prefix', regex: '^tcp\\.((.*?)\\.)\\w+?$' },
  { tag_name: 'response_code', regex: '_rq(_(\\d{3}))$' },
  { tag_name: 'response_code_class', regex: '_rq(_(\\dxx))$' },
  {
    tag_name: 'http_conn_manager_listener_prefix',
    regex: '^listener(?=\\.).*?\\.http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)',
  },
  {
    tag_name: 'listener_address',
    regex: '^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)',
  },
  { tag_name: 'mongo_prefix', regex: '^mongo\\.(.+?)\\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$' },
  { tag_name: 'cache', regex: '(cache\\.(.+?)\\.)' },
  { tag_name: 'component', regex: '(component\\.(.+?)\\.)' },
  { tag_name: 'tag', regex: '(tag\\.(.+?);\\.)' },
  { tag_name: 'wasm_filter', regex: '(wasm_filter\\.(.+?)\\.)' },
  { tag_name: 'authz_enforce_result', regex: 'rbac(\\.(allowed|denied))' },
  { tag_name: 'authz_dry_run_action', regex: '(\\.istio_dry_run_(allow|deny)_)' },
  { tag_name: 'authz_dry_run_result', regex: '(\\.shadow_(allowed|denied))' },
];

const extractors = statsTags.map(({ tag_name: name, regex }) => ({
  name,
  // POSIX classes stand inside brackets only.
  regex: new RegExp(regex.replaceAll('[:digit:]', '\\d'), 'd'),
}));

export interface TaggedName {
  readonly metric: string;
  /** `name="value"` pairs joined by commas. */
  readonly labels: string;
}

const tagged = new Map<string, TaggedName>();
const maxTagged = 50_000;

/**
 * Takes the tags out of a statistic's name. All expressions see the whole name; what their first group covers is
 * cut out, and the second group, where there is one, is the value.
 */
export function extractTags(name: string): TaggedName {
  const known = tagged.get(name);
  if (known !== undefined) return known;
  const labels: string[] = [];
  const cuts: (readonly [number, number])[] = [];
  for (const { name: tag, regex } of extractors) {
    const match = regex.exec(name);
    const cut = match?.indices?.[1];
    if (match === null || cut === undefined) continue;
    labels.push(`${tag}="${match[2] ?? match[1] ?? ''}"`);
    cuts.push(cut);
  }
  cuts.sort(([a], [b]) => a - b);
  let rest = '';
  let at = 0;
  for (const [start, end] of cuts) {
    if (start < at) continue;
    rest += name.slice(at, start);
    at = end;
  }
  rest += name.slice(at);
  const result = { metric: `envoy_${rest.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`, labels: labels.join(',') };
  if (tagged.size >= maxTagged) tagged.clear();
  tagged.set(name, result);
  return result;
}

/**
 * Counters first, then gauges, then histograms; inside each by metric, and its series by name.
 * @param filter keeps Istio's metrics in whose flat names it is found; the lines are filtered already
 */
export function formatPrometheus(lines: StatLines, metrics: IstioMetrics, filter?: RegExp): string {
  const out: string[] = [];
  printNumbers(out, withIstio(group(lines.counters), metrics.counters, filter), 'counter');
  printNumbers(out, group(lines.gauges), 'gauge');
  const histograms = withIstio(group(lines.histograms), metrics.histograms, filter);
  for (const [metric, series] of byName(histograms)) {
    out.push(`# TYPE ${metric} histogram`);
    for (const { labels, value } of series)
      if (value !== undefined) printHistogram(out, metric, labels, value);
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

function withIstio<T>(
  groups: Map<string, Series<T>[]>,
  own: ReadonlyMap<string, ReadonlyMap<string, T>>,
  filter: RegExp | undefined,
): Map<string, Series<T>[]> {
  for (const [name, all] of own) {
    const series = [...all].map(([labels, value]) => ({ labels, value }));
    const kept =
      filter === undefined ? series : series.filter(({ labels }) => filter.test(flatName(name, labels)));
    if (kept.length > 0) groups.set(name, kept);
  }
  return groups;
}

interface Series<T> {
  readonly labels: string;
  readonly value: T;
}

function group<T>(entries: readonly (readonly [string, T])[]): Map<string, Series<T>[]> {
  const metrics = new Map<string, Series<T>[]>();
  for (const [name, value] of entries) {
    const { metric, labels } = extractTags(name);
    const series = metrics.get(metric);
    if (series === undefined) metrics.set(metric, [{ labels, value }]);
    else series.push({ labels, value });
  }
  return metrics;
}

function byName<T>(metrics: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...metrics].sort(([a], [b]) => (a < b ? -1 : 1));
}

function printNumbers(
  out: string[],
  metrics: ReadonlyMap<string, readonly Series<number>[]>,
  type: string,
): void {
  for (const [metric, series] of byName(metrics)) {
    out.push(`# TYPE ${metric} ${type}`);
    for (const { labels, value } of series) out.push(`${metric}{${labels}} ${value}`);
  }
}

function printHistogram(out: string[], metric: string, labels: string, histogram: Histogram): void {
  const withBound = (le: string): string => (labels === '' ? `le="${le}"` : `${labels},le="${le}"`);
  const counts = histogram.cumulative();
  for (const [index, bound] of bucketBounds.entries()) {
    out.push(`${metric}_bucket{${withBound(String(bound))}} ${counts[index] ?? 0}`);
  }
  out.push(`${metric}_bucket{${withBound('+Inf')}} ${histogram.count}`);
  out.push(`${metric}_sum{${labels}} ${histogram.sum}`, `${metric}_count{${labels}} ${histogram.count}`);
}

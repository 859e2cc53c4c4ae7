/** `/stats` as Envoy prints it: text readouts, then counters and gauges together by name, then histograms. */
import { type Histogram, quantiles } from './histogram.ts';
import { flatName, type IstioMetrics } from './istio-metrics.ts';
import type { StatLines } from './stat-lines.ts';

/** @param filter keeps the names in which the expression is found, as `?filter=` does. */
export function formatStats(lines: StatLines, metrics: IstioMetrics, filter: RegExp | undefined): string {
  const wanted = ([name]: readonly [string, unknown]): boolean => filter === undefined || filter.test(name);
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
    a[0] < b[0] ? -1 : 1;
  const numbers = [...lines.counters, ...lines.gauges, ...istioCounters(metrics)].filter(wanted).sort(byName);
  return [
    ...lines.texts.filter(wanted).map(([name, value]) => `${name}: "${value}"`),
    ...numbers.map(([name, value]) => `${name}: ${value}`),
    ...lines.histograms.filter(wanted).map(([name, histogram]) => `${name}: ${formatHistogram(histogram)}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function istioCounters(metrics: IstioMetrics): readonly (readonly [string, number])[] {
  return [...metrics.counters].flatMap(([name, series]) =>
    [...series].map(([labels, value]): readonly [string, number] => [flatName(name, labels), value]),
  );
}

/** Envoy prints the last interval and the whole; the lab keeps the whole only and prints it for both. */
function formatHistogram(histogram: Histogram | undefined): string {
  if (histogram === undefined || histogram.count === 0) return 'No recorded values';
  return quantiles
    .map((quantile) => {
      const value = Number(histogram.quantile(quantile).toPrecision(12));
      return `P${quantile}(${value},${value})`;
    })
    .join(' ');
}

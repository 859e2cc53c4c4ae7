/** All statistics of a proxy as flat names, in Envoy's order; the zeros of untouched ones filled in. */
import type { Histogram } from './histogram.ts';
import { statNames } from './stat-names.ts';
import type { StatScope, Stats } from './stats.ts';

export interface StatLines {
  readonly texts: readonly (readonly [string, string])[];
  /** Sorted by name. */
  readonly counters: readonly (readonly [string, number])[];
  readonly gauges: readonly (readonly [string, number])[];
  /** Undefined where nothing was recorded. */
  readonly histograms: readonly (readonly [string, Histogram | undefined])[];
}

/** @param included Envoy's stats matcher: names that it refuses do not exist. */
export function collectStats(stats: Stats, included: (name: string) => boolean): StatLines {
  const texts = new Map<string, string>();
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  const histograms = new Map<string, Histogram | undefined>();
  for (const scope of stats.scopes()) {
    const put = <T>(into: Map<string, T>, names: Iterable<string>, value: (name: string) => T): void => {
      for (const name of names) {
        const full = scope.prefix + name;
        if (included(full)) into.set(full, value(name));
      }
    };
    for (const kind of scope.kinds) {
      const names = statNames[kind];
      put(counters, names.counters, (name) => scope.counters.get(name) ?? 0);
      put(gauges, names.gauges, (name) => scope.gauges.get(name) ?? 0);
      put(histograms, names.histograms, (name) => scope.histograms.get(name));
    }
    putTouched(scope, put, { texts, counters, gauges, histograms });
  }
  return {
    texts: sorted(texts),
    counters: sorted(counters),
    gauges: sorted(gauges),
    histograms: sorted(histograms),
  };
}

interface Collected {
  readonly texts: Map<string, string>;
  readonly counters: Map<string, number>;
  readonly gauges: Map<string, number>;
  readonly histograms: Map<string, Histogram | undefined>;
}

type Put = <T>(into: Map<string, T>, names: Iterable<string>, value: (name: string) => T) => void;

function putTouched(scope: StatScope, put: Put, into: Collected): void {
  put(into.texts, scope.texts.keys(), (name) => scope.texts.get(name) ?? '');
  put(into.counters, scope.counters.keys(), (name) => scope.counters.get(name) ?? 0);
  put(into.gauges, scope.gauges.keys(), (name) => scope.gauges.get(name) ?? 0);
  put(into.histograms, scope.histograms.keys(), (name) => scope.histograms.get(name));
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

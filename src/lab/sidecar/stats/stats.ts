/**
 * The proxy's counters, gauges and histograms, in scopes as Envoy keeps them. What was never touched is not stored:
 * a scope's kind says which names exist, so that /stats can print them as 0 (see stat-names.ts).
 */
import { Histogram } from './histogram.ts';
import type { ScopeKind } from './stat-names.ts';

/** Statistics under one prefix, e.g. `http.inbound_0.0.0.0_8080;.`. */
export class StatScope {
  readonly prefix: string;
  /** Which names exist here even before they are touched; a listener that terminates TLS has two kinds. */
  readonly kinds = new Set<ScopeKind>();
  readonly counters = new Map<string, number>();
  readonly gauges = new Map<string, number>();
  readonly histograms = new Map<string, Histogram>();
  readonly texts = new Map<string, string>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Adds to a counter, which never goes down. */
  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  /** Moves a gauge. */
  move(name: string, by: number): void {
    this.gauges.set(name, (this.gauges.get(name) ?? 0) + by);
  }

  /** Sets a gauge. */
  set(name: string, value: number): void {
    this.gauges.set(name, value);
  }

  record(name: string, value: number): void {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) {
      histogram = new Histogram();
      this.histograms.set(name, histogram);
    }
    histogram.record(value);
  }

  value(name: string): number {
    return this.counters.get(name) ?? this.gauges.get(name) ?? 0;
  }
}

/** All scopes of a proxy, by prefix. */
export class Stats {
  readonly #scopes = new Map<string, StatScope>();

  /** The scope, made when it is first asked for; it lives as long as the proxy, as Envoy's counters do. */
  scope(prefix: string, ...kinds: readonly ScopeKind[]): StatScope {
    let scope = this.#scopes.get(prefix);
    if (scope === undefined) {
      scope = new StatScope(prefix);
      this.#scopes.set(prefix, scope);
    }
    for (const kind of kinds) scope.kinds.add(kind);
    return scope;
  }

  scopes(): Iterable<StatScope> {
    return this.#scopes.values();
  }
}

/** Takes configuration from the control plane and swaps it in, as Envoy's cluster and listener managers do. */
import type { Endpoint } from '../net/network.ts';
import type { FilterChain as ChainConfig, ListenerConfig } from './config/listener.ts';
import type { ProxyConfig } from './config/proxy-config.ts';
import type { FilterChain } from './listener/filter-chain.ts';
import { chainsOf, Listener } from './listener/listener.ts';
import type { ProxyRuntime } from './proxy.ts';
import type { StatScope } from './stats/stats.ts';
import { Cluster } from './upstream/cluster.ts';

/** A listener that was replaced or removed and whose connections may still finish. */
export interface DrainingListener {
  readonly listener: Listener;
  readonly since: number;
}

export class ConfigLoader {
  readonly #proxy: ProxyRuntime;
  readonly #clusterStats: StatScope;
  readonly #listenerStats: StatScope;
  readonly #clusters = new Map<string, Cluster>();
  readonly #listeners = new Map<string, Listener>();
  readonly #byAddress = new Map<string, Listener>();
  readonly #draining = new Set<DrainingListener>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When each resource, by its configuration object, was loaded. */
  readonly #loadedAt = new WeakMap<object, number>();
  #current: ProxyConfig | undefined;

  constructor(proxy: ProxyRuntime) {
    this.#proxy = proxy;
    this.#clusterStats = proxy.stats.scope('cluster_manager.', 'clusterManager');
    this.#listenerStats = proxy.stats.scope('listener_manager.', 'listenerManager');
  }

  get current(): ProxyConfig | undefined {
    return this.#current;
  }

  get draining(): Iterable<DrainingListener> {
    return this.#draining;
  }

  cluster(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  get clusters(): ReadonlyMap<string, Cluster> {
    return this.#clusters;
  }

  get listeners(): ReadonlyMap<string, Listener> {
    return this.#listeners;
  }

  loadedAt(resource: object): number {
    return this.#loadedAt.get(resource) ?? 0;
  }

  /** The listener that takes what an application sends there: the exact address, the port on any, or the catch-all. */
  outboundListener(to: Endpoint): Listener | undefined {
    return (
      this.#byAddress.get(`${to.ip}:${to.port}`) ??
      this.#byAddress.get(`0.0.0.0:${to.port}`) ??
      this.#listeners.get('virtualOutbound')
    );
  }

  /**
   * New connections follow the new configuration at once. Connections on what was replaced or removed live on until
   * they have nothing more to carry, at most for the drain time.
   */
  load(next: ProxyConfig): void {
    const now = this.#proxy.now();
    const stamp = (resources: Iterable<object>): void => {
      for (const resource of resources) {
        if (!this.#loadedAt.has(resource)) this.#loadedAt.set(resource, now);
      }
    };
    for (const map of [next.clusters, next.endpoints, next.listeners, next.routes]) stamp(map.values());
    const previous = this.#current;
    this.#current = next;
    this.#loadClusters(next, previous);
    this.#loadListeners(next);
    this.#countUpdate(this.#clusterStats, 'cds', next.version, now);
    this.#countUpdate(this.#listenerStats, 'lds', next.version, now);
  }

  /** Ends every connection at once. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    const open = [...this.#listeners.values(), ...[...this.#draining].map(({ listener }) => listener)];
    for (const listener of open) for (const chain of listener.chains.values()) chain.destroyConnections();
    for (const cluster of this.#clusters.values()) cluster.drain();
    this.#listeners.clear();
    this.#byAddress.clear();
  }

  #loadClusters(next: ProxyConfig, previous: ProxyConfig | undefined): void {
    const stats = this.#clusterStats;
    for (const [name, config] of next.clusters) {
      const old = this.#clusters.get(name);
      const replaced = old === undefined || old.config !== config;
      if (replaced) {
        stats.count(old === undefined ? 'cluster_added' : 'cluster_modified');
        old?.drain();
        this.#clusters.set(name, new Cluster(config, this.#proxy));
      }
      const endpoints = next.endpoints.get(name);
      if (endpoints === undefined || (!replaced && endpoints === previous?.endpoints.get(name))) continue;
      const cluster = this.#clusters.get(name);
      cluster?.setEndpoints(endpoints);
      cluster?.stats.count('update_attempt');
      cluster?.stats.count('update_success');
      cluster?.stats.set('update_time', this.#proxy.now());
      stats.count('cluster_updated');
    }
    for (const [name, cluster] of this.#clusters) {
      if (next.clusters.has(name)) continue;
      stats.count('cluster_removed');
      cluster.drain();
      this.#clusters.delete(name);
    }
    stats.set('active_clusters', this.#clusters.size);
  }

  #loadListeners(next: ProxyConfig): void {
    const stats = this.#listenerStats;
    for (const [name, config] of next.listeners) {
      const old = this.#listeners.get(name);
      if (old?.config === config) continue;
      stats.count(old === undefined ? 'listener_added' : 'listener_modified');
      stats.count('listener_create_success');
      const inPlace = old !== undefined && sameApartFromChains(old.config, config);
      if (inPlace) stats.count('listener_in_place_updated');
      const keep = inPlace ? keptChains(old, config) : new Map<ChainConfig, FilterChain>();
      this.#listeners.set(name, new Listener(config, this.#proxy, keep));
      if (old !== undefined) this.#drain(old, new Set(keep.values()), !inPlace);
    }
    for (const [name, listener] of this.#listeners) {
      if (next.listeners.has(name)) continue;
      stats.count('listener_removed');
      this.#listeners.delete(name);
      this.#drain(listener, new Set(), true);
    }
    this.#byAddress.clear();
    for (const listener of this.#listeners.values()) {
      const { address, port_value: port } = listener.config.address.socket_address;
      if (listener.config.traffic_direction === 'OUTBOUND')
        this.#byAddress.set(`${address}:${port}`, listener);
    }
    stats.set('total_listeners_active', this.#listeners.size + staticListeners);
    stats.set('workers_started', 1);
  }

  #drain(old: Listener, kept: ReadonlySet<FilterChain>, whole: boolean): void {
    const gauge = whole ? 'total_listeners_draining' : 'total_filter_chains_draining';
    const leaving = [...old.chains.values()].filter((chain) => !kept.has(chain));
    for (const chain of leaving) chain.drain();
    if (leaving.length === 0) return;
    const entry: DrainingListener = { listener: old, since: this.#proxy.now() };
    if (whole) this.#draining.add(entry);
    const weight = whole ? 1 : leaving.length;
    this.#listenerStats.move(gauge, weight);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#draining.delete(entry);
      this.#listenerStats.move(gauge, -weight);
      for (const chain of leaving) chain.destroyConnections();
    }, this.#proxy.drainMs);
    timer.unref();
    this.#timers.add(timer);
  }

  #countUpdate(stats: StatScope, type: 'cds' | 'lds', version: string, now: number): void {
    stats.count(`${type}.update_attempt`);
    stats.count(`${type}.update_success`);
    stats.set(`${type}.update_time`, now);
    stats.texts.set(`${type}.version_text`, version);
  }
}

/** The listeners on 15021 and 15090, which come with the bootstrap. */
const staticListeners = 2;

/** Envoy updates a listener in place, keeping connections, where nothing but its filter chains changed. */
function sameApartFromChains(a: ListenerConfig, b: ListenerConfig): boolean {
  const frame = ({
    filter_chains: _chains,
    default_filter_chain: _default,
    ...rest
  }: ListenerConfig): string => JSON.stringify(rest);
  return frame(a) === frame(b);
}

function keptChains(old: Listener, config: ListenerConfig): Map<ChainConfig, FilterChain> {
  const known = new Map<string, FilterChain>();
  for (const [chain, loaded] of old.chains) known.set(JSON.stringify(chain), loaded);
  const kept = new Map<ChainConfig, FilterChain>();
  for (const chain of chainsOf(config)) {
    const loaded = known.get(JSON.stringify(chain));
    if (loaded !== undefined) kept.set(chain, loaded);
  }
  return kept;
}

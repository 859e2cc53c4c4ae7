/**
 * What a sidecar says of itself, for everybody who asks: counters, statistics, access log, and whether it keeps one. One
 * reader serves one look at a mesh: ways that a namespace refuses are tried once, and what a dump told is not asked again.
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { type AccessLogging, accessLogging } from '../envoy/access-logging.ts';
import { type EnvoyDump, parseConfigDump } from '../envoy/config-dump.ts';
import { parseStats, type Stats } from '../envoy/stats.ts';
import { AdminReader } from './admin.ts';
import { type CounterAnswer, CounterReader } from './counters.ts';
import { type LogAnswer, type LogPart, type LogTarget, readAccessLog, type TakeEntries } from './log.ts';

export interface ReaderEffects {
  readonly cluster: Cluster;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

export type StatsAnswer =
  | { readonly read: true; readonly stats: Stats }
  | { readonly read: false; readonly reason: string };

export class ProxyReader {
  readonly admin: AdminReader;
  readonly #effects: ReaderEffects;
  readonly #counters: CounterReader;
  /** By `NAMESPACE/POD`. */
  readonly #logging = new Map<string, AccessLogging | undefined>();

  constructor(effects: ReaderEffects) {
    this.#effects = effects;
    this.admin = new AdminReader(effects.cluster, effects.signal);
    this.#counters = new CounterReader(effects.cluster, this.admin, effects.now, effects.signal);
  }

  /** Istio's counters of requests and connections, and those of dry runs. @throws only the signal's reason */
  counters(namespace: string, pod: string): Promise<CounterAnswer> {
    return this.#counters.read(namespace, pod);
  }

  /** Envoy's own statistics whose names fit. @throws only the signal's reason */
  async stats(namespace: string, pod: string, filter: string): Promise<StatsAnswer> {
    const answer = await this.admin.get(namespace, pod, `/stats?filter=${encodeURIComponent(filter)}`);
    return answer.ok
      ? { read: true, stats: parseStats(answer.text) }
      : { read: false, reason: answer.reasons.join('; ') };
  }

  /** @throws only the signal's reason */
  accessLog(target: LogTarget, part: LogPart, take: TakeEntries): Promise<LogAnswer> {
    const { cluster, signal } = this.#effects;
    return readAccessLog(cluster, target, part, take, signal);
  }

  /** What a dump with the inbound listener tells, so that nobody need ask the proxy for it. */
  heard(namespace: string, pod: string, dump: EnvoyDump): void {
    const logging = accessLogging(dump);
    if (logging !== undefined) this.#logging.set(`${namespace}/${pod}`, logging);
  }

  /**
   * Whether a proxy writes its access log where it can be read.
   * @returns undefined where it does not say: it could not be asked, or has no inbound listener yet
   * @throws only the signal's reason
   */
  async accessLogging(namespace: string, pod: string): Promise<AccessLogging | undefined> {
    const key = `${namespace}/${pod}`;
    if (!this.#logging.has(key)) this.#logging.set(key, await this.#askAccessLogging(namespace, pod));
    return this.#logging.get(key);
  }

  async #askAccessLogging(namespace: string, pod: string): Promise<AccessLogging | undefined> {
    // Proxies that do not know the filter (before Envoy 1.14) answer with all of their configuration.
    const names = encodeURIComponent('^virtualInbound$');
    const path = `/config_dump?resource=dynamic_listeners&name_regex=${names}`;
    const answer = await this.admin.get(namespace, pod, path);
    if (!answer.ok) return undefined;
    try {
      const dump = parseConfigDump(answer.text, `${namespace}/${pod}`);
      return dump.kind === 'envoy' ? accessLogging(dump) : undefined;
    } catch (error) {
      if (error instanceof PadlockError) return undefined;
      throw error;
    }
  }
}

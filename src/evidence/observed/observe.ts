/**
 * Watches what traffic does over a window: counters are read at its beginning and at its end, access logs at its end for as
 * far back as asked. What could not be seen is part of the answer.
 */

import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { type AccessLogging, accessLoggingOff } from '../envoy/access-logging.ts';
import type { Sample } from '../envoy/prometheus.ts';
import type { CounterAnswer } from '../proxy/counters.ts';
import type { LoggedEntry } from '../proxy/log.ts';
import { type ProxyPod, proxyPods } from '../proxy/pods.ts';
import { ProxyReader, type ReaderEffects } from '../proxy/reader.ts';
import { accessLogRecords } from './access-log-records.ts';
import { addressBook } from './address-book.ts';
import { counterDelta } from './counter-delta.ts';
import { counterRecords } from './counter-records.ts';
import { dryRunRecords } from './dry-run-records.ts';
import type { Observation, SourceName, UnseenTraffic, UsedSource, Window } from './observation.ts';
import { watchPods } from './pod-watch.ts';
import type { PrometheusClient } from './prometheus-client.ts';
import { type PrometheusReading, readPrometheus } from './prometheus-source.ts';
import { compacted, type TrafficRecord } from './record.ts';
import { observedPorts, type SourceRead } from './tally.ts';

export interface ObserveOptions {
  readonly namespaces?: readonly string[];
  /** Only these workloads; absent: all. */
  readonly wants?: (workload: Workload) => boolean;
  /** How far back access logs and Prometheus are read before the window, in milliseconds; 0 when absent. */
  readonly lookBack?: number;
  /** Which sources to use; counters and access logs when absent. */
  readonly sources?: readonly SourceName[];
  readonly prometheus?: PrometheusClient;
  /** Watch pods meanwhile, so that senders that come and go have names. */
  readonly watchesPods?: boolean;
  /** A dry run that is in place during the window: the proxies that count it, and why others may not. */
  readonly dryRun?: {
    readonly loaded: ReadonlySet<string>;
    readonly notLoaded: ReadonlyMap<string, string>;
  };
}

export interface ObserveEffects extends ReaderEffects {
  /** For an observation that is a part of something that reads proxies too; absent: each reading has its own. */
  readonly reader?: ProxyReader;
}

/** An observation that has begun. */
export interface OpenObservation {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /**
   * Ends the window and says what was seen. May be called again later: the window then reaches from the same beginning.
   * @param mesh of a snapshot taken just now: pods that came since are in it
   */
  finish(mesh: Mesh): Promise<Observation>;
  /** Ends what goes on in the background, for an observation that is not finished. */
  close(): Promise<void>;
}

const podConcurrency = 8;

/**
 * Takes the first reading.
 * @param mesh of a snapshot that was just taken of the same cluster
 * @throws what a broken connection throws; what may not be read becomes `unseen`
 */
export async function beginObservation(
  mesh: Mesh,
  options: ObserveOptions,
  effects: ObserveEffects,
): Promise<OpenObservation> {
  const startedAt = effects.now();
  const uses = (source: SourceName): boolean => options.sources?.includes(source) ?? true;
  const passing =
    options.watchesPods === true
      ? await watchPods(effects.cluster, options.namespaces, effects.signal)
      : undefined;
  const before = uses('proxy counters')
    ? await readAll(readerOf(effects), proxyPods(mesh, wanted(mesh, options)))
    : undefined;
  return {
    startedAt,
    finish: async (later) => {
      const pods = (await passing?.end()) ?? [];
      const reader = readerOf(effects);
      const input = { first: mesh, later, options, effects, reader, before, startedAt, passing: pods };
      return new Finish(input).run();
    },
    close: async () => {
      await passing?.end();
    },
  };
}

function wanted(mesh: Mesh, { namespaces, wants }: ObserveOptions): readonly Workload[] {
  const all = workloads(mesh, namespaces);
  return wants === undefined ? all : all.filter(wants);
}

/** A page may ask for days: what was refused or switched off a while ago may be otherwise now. */
function readerOf(effects: ObserveEffects): ProxyReader {
  return effects.reader ?? new ProxyReader(effects);
}

type Readings = ReadonlyMap<string, CounterAnswer>;

async function readAll(reader: ProxyReader, pods: ReadonlyMap<string, ProxyPod>): Promise<Readings> {
  const answers = await mapLimited([...pods], podConcurrency, async ([key, pod]) => {
    return [key, await reader.counters(pod.namespace, pod.name)] as const;
  });
  return new Map(answers);
}

interface FinishInput {
  readonly first: Mesh;
  readonly later: Mesh;
  readonly options: ObserveOptions;
  readonly effects: ObserveEffects;
  readonly reader: ProxyReader;
  readonly before: Readings | undefined;
  readonly startedAt: number;
  readonly passing: readonly KubeObject[];
}

/** The second half of an observation: everything that is gathered on the way to the answer. */
class Finish {
  readonly #in: FinishInput;
  readonly #records: TrafficRecord[] = [];
  readonly #unseen: UnseenTraffic[] = [];
  readonly #sources: UsedSource[] = [];
  /** Sources read, by workload id. */
  readonly #reads = new Map<string, SourceRead[]>();

  constructor(input: FinishInput) {
    this.#in = input;
  }

  async run(): Promise<Observation> {
    const { first, later, options, effects, before, startedAt } = this.#in;
    const pods = proxyPods(later, wanted(later, options));
    const book = addressBook([first, later], this.#in.passing);
    const after = before === undefined ? undefined : await readAll(this.#in.reader, pods);
    const endedAt = effects.now();
    const window: Window = { from: iso(startedAt), to: iso(endedAt) };
    if (before !== undefined && after !== undefined) {
      this.#addCounters(pods, before, after, window, book);
      if (options.dryRun !== undefined) this.#addDryRun(pods, before, after, window);
    }
    if (options.sources?.includes('access log') ?? true) await this.#addAccessLogs(pods, endedAt, book);
    if (options.prometheus !== undefined) await this.#addPrometheus(options.prometheus, endedAt, book);
    this.#noteOthers();
    return {
      context: effects.cluster.context,
      window,
      sources: this.#sources,
      ports: this.#rows(),
      unseen: this.#unseen,
    };
  }

  #rows(): Observation['ports'] {
    const { later, options } = this.#in;
    const byWorkload = Map.groupBy(this.#records, ({ workloadId }) => workloadId);
    return wanted(later, options)
      .filter(({ dataplane, id }) => dataplane === 'sidecar' || this.#reads.has(id))
      .flatMap((workload) =>
        observedPorts(
          workload,
          portsOf(later, workload),
          byWorkload.get(workload.id) ?? [],
          this.#reads.get(workload.id) ?? [],
        ),
      );
  }

  #addCounters(
    pods: ReadonlyMap<string, ProxyPod>,
    before: Readings,
    after: Readings,
    window: Window,
    book: ReturnType<typeof addressBook>,
  ): void {
    const { later } = this.#in;
    const source = 'proxy counters';
    const ways = new Set<string>();
    let read = 0;
    for (const [key, pod] of pods) {
      const answer = after.get(key);
      if (answer?.read !== true) {
        this.#miss(source, pod, answer?.reason ?? 'it was not asked', answer?.right);
        continue;
      }
      const earlier = before.get(key);
      // It was not running when the window began, so that all it counted came since. No clock is asked: they differ.
      const began = !before.has(key);
      if (earlier?.read !== true && !began) {
        this.#miss(
          source,
          pod,
          `no reading at the window’s beginning: ${earlier?.reason ?? 'it was not there'}`,
        );
        continue;
      }
      read++;
      ways.add(answer.reading.via);
      const delta = counterDelta(earlier?.read === true ? earlier.reading : undefined, answer.reading);
      if (delta.restarted) {
        this.#miss(source, pod, 'its proxy restarted within the window; what it counted before is lost');
      }
      this.#read(pod.workload, { source, window });
      this.#records.push(
        ...counterRecords(source, later, pod.workload, book, delta.added, answer.reading.samples),
      );
    }
    for (const [key] of before) {
      if (pods.has(key)) continue;
      const [namespace = '', name = ''] = key.split('/');
      const reason = 'the pod ended within the window; what it had counted is lost';
      this.#unseen.push({ source, namespace, pod: name, reason });
    }
    this.#sources.push({ source, window, coverage: coverageText(read, pods.size, [...ways]) });
  }

  #addDryRun(pods: ReadonlyMap<string, ProxyPod>, before: Readings, after: Readings, window: Window): void {
    const source = 'dry run';
    const { dryRun } = this.#in.options;
    let read = 0;
    for (const [key, pod] of pods) {
      const answer = after.get(key);
      const earlier = before.get(key);
      if (dryRun?.loaded.has(key) !== true) {
        this.#miss(source, pod, dryRun?.notLoaded.get(key) ?? 'it came within the window');
      } else if (answer?.read === true && earlier?.read === true) {
        read++;
        const { added } = counterDelta(earlier.reading, answer.reading);
        this.#read(pod.workload, { source, window });
        this.#records.push(...dryRunRecords(pod.workload, added));
      }
      // Counters that cannot be read are told of by the source that they are.
    }
    this.#sources.push({ source, window, coverage: `${read} of ${pods.size} proxies had loaded it` });
  }

  async #addAccessLogs(
    pods: ReadonlyMap<string, ProxyPod>,
    endedAt: number,
    book: ReturnType<typeof addressBook>,
  ): Promise<void> {
    const { reader, options, startedAt } = this.#in;
    const source = 'access log';
    const since = startedAt - lookBackOf(options);
    const window: Window = { from: iso(since), to: iso(endedAt) };
    const answers = await mapLimited([...pods.values()], podConcurrency, async (pod) => {
      const records: TrafficRecord[] = [];
      const take = (entries: readonly LoggedEntry[]): void => {
        const within = entries.filter(({ at }) => at <= endedAt);
        records.push(...compacted(accessLogRecords(pod.workload, pod.addresses, within, book), startedAt));
      };
      const answer = await reader.accessLog({ ...pod, pod: pod.name }, { since }, take);
      const isSilent = answer.read && answer.entries === 0;
      const logging = isSilent ? await reader.accessLogging(pod.namespace, pod.name) : undefined;
      return { pod, answer, records: compacted(records, startedAt), logging };
    });
    let kept = 0;
    const silent = new Map<ProxyPod, AccessLogging | undefined>();
    for (const { pod, answer, records, logging } of answers) {
      if (!answer.read) {
        this.#miss(source, pod, answer.reason, answer.right);
        continue;
      }
      if (answer.gap !== undefined) this.#miss(source, pod, answer.gap);
      // A log without a single entry may be one that nobody keeps.
      if (answer.entries === 0) silent.set(pod, logging);
      else {
        kept++;
        this.#read(pod.workload, { source, window });
      }
      this.#records.push(...records);
    }
    this.#noteSilent(silent, window);
    this.#sources.push({ source, window, coverage: `${kept} of ${pods.size} proxies wrote entries` });
  }

  async #addPrometheus(
    client: PrometheusClient,
    endedAt: number,
    book: ReturnType<typeof addressBook>,
  ): Promise<void> {
    const { later, options, startedAt } = this.#in;
    const source = 'Prometheus';
    const from = startedAt - lookBackOf(options);
    const window: Window = { from: iso(from), to: iso(endedAt) };
    const asked = wanted(later, options).filter(
      ({ dataplane }) => dataplane === 'sidecar' || dataplane === 'ambient',
    );
    const namespaces = [...new Set(asked.map(({ namespace }) => namespace))];
    if (namespaces.length === 0) return;
    const young = namespaces.every((name) => (later.namespaces.get(name)?.createdAt ?? 0) > from);
    const reading = await this.#askPrometheus(client, namespaces, endedAt - from, young);
    if (reading === undefined) return;
    let seen = 0;
    for (const workload of asked) {
      const isOf = ({ labels }: Sample): boolean =>
        labels.destination_workload === workload.name &&
        labels.destination_workload_namespace === workload.namespace;
      const own = reading.added.filter(isOf);
      if (own.length === 0) {
        this.#missAll(
          source,
          workload,
          'Prometheus has no series of it: nothing came, or its proxies are not scraped',
        );
        continue;
      }
      seen++;
      if (!reading.covered) {
        this.#missAll(
          source,
          workload,
          'Prometheus has nothing from the beginning of the look-back: what came before its first reading is missing',
        );
      }
      this.#read(workload, { source, window });
      const moved = own.filter(({ value }) => value > 0);
      this.#records.push(
        ...counterRecords(source, later, workload, book, moved, reading.totals.filter(isOf)),
      );
    }
    this.#sources.push({
      source,
      window,
      coverage: `${seen} of ${asked.length} workloads, from ${client.name}`,
    });
  }

  async #askPrometheus(
    client: PrometheusClient,
    namespaces: readonly string[],
    windowMs: number,
    young: boolean,
  ): Promise<PrometheusReading | undefined> {
    try {
      return await readPrometheus(client, namespaces, windowMs, young);
    } catch (error) {
      this.#in.effects.signal?.throwIfAborted();
      if (!(error instanceof PadlockError)) throw error;
      this.#unseen.push({ source: 'Prometheus', reason: error.message });
      return undefined;
    }
  }

  #missAll(source: SourceName, { namespace, kind, name }: Workload, reason: string): void {
    this.#unseen.push({ source, namespace, workload: `${kind}/${name}`, reason });
  }

  /** No entries: a quiet proxy, or one that writes none. Its configuration tells which, else its counters may. */
  #noteSilent(silent: ReadonlyMap<ProxyPod, AccessLogging | undefined>, window: Window): void {
    for (const [pod, logging] of silent) {
      const counted = this.#records.some(
        ({ workloadId, source, count }) =>
          workloadId === pod.workload.id && source === 'proxy counters' && count > 0,
      );
      const known =
        this.#reads.get(pod.workload.id)?.some(({ source }) => source === 'proxy counters') === true;
      const reason = silenceReason(logging, counted, known, window);
      if (reason !== undefined) this.#miss('access log', pod, reason, undefined, known);
    }
  }

  /** Workloads that no source of proxies can speak for. */
  #noteOthers(): void {
    const { later, options } = this.#in;
    for (const workload of wanted(later, options)) {
      const { namespace, kind, name, dataplane, pods } = workload;
      if (dataplane !== 'ambient' || pods.length === 0 || this.#reads.has(workload.id)) continue;
      const reason = 'it has no sidecar: ztunnel’s records of ambient workloads are not read';
      this.#unseen.push({ source: 'proxy counters', namespace, workload: `${kind}/${name}`, reason });
    }
  }

  #read({ id }: Workload, read: SourceRead): void {
    const list = this.#reads.get(id) ?? [];
    if (!list.some(({ source }) => source === read.source)) list.push(read);
    this.#reads.set(id, list);
  }

  #miss(source: SourceName, pod: ProxyPod, reason: string, right?: string, namesOnly = false): void {
    this.#unseen.push({
      source,
      namespace: pod.namespace,
      workload: `${pod.workload.kind}/${pod.workload.name}`,
      pod: pod.name,
      reason,
      ...(right === undefined ? {} : { right }),
      ...(namesOnly ? { namesOnly: true } : {}),
    });
  }
}

/** Less than a few scrapes of Prometheus tells nothing; and all that look back look equally far, so that names fit counts. */
function lookBackOf({ lookBack = 0, prometheus }: ObserveOptions): number {
  return prometheus === undefined ? lookBack : Math.max(lookBack, 60_000);
}

function coverageText(read: number, all: number, ways: readonly string[]): string {
  return `${read} of ${all} proxies${ways.length === 0 ? '' : `, by ${ways.join(' and ')}`}`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

const isOff = `${accessLoggingOff}: refused plaintext is not seen, and senders have no names`;

/** Why a log without an entry is not one of a quiet proxy; undefined where it is. */
function silenceReason(
  logging: AccessLogging | undefined,
  counted: boolean,
  known: boolean,
  { from }: Window,
): string | undefined {
  if (logging !== undefined && !logging.requests && !logging.refusals) return isOff;
  if (logging?.refusals === false) {
    return 'its proxy logs requests and not refusals (meshConfig.disableEnvoyListenerLog): refused plaintext is not seen';
  }
  if (logging !== undefined) {
    return counted ? 'its proxy counted traffic and logs it, but no entry could be read' : undefined;
  }
  if (counted) return isOff;
  return known ? undefined : `no entry since ${from.slice(0, 19)}Z: nothing came, or access logging is off`;
}

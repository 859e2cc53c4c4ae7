/**
 * The watch itself: objects as they change, proxies and traffic at intervals, each compared with what was known. An event
 * is told first and saved after, so that a crash between the two tells it again under the same id, and never loses it.
 */
import { PadlockError } from '../../errors.ts';
import { formatRef, type KubeObject } from '../../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { type Comparison, compareFacts } from './compare.ts';
import type { Fact, KeepEvent, Source } from './fact.ts';
import { meshFacts } from './mesh-facts.ts';
import { type Changed, ObjectFeed } from './object-feed.ts';
import { lookAtProxies, type ProxyLook } from './proxy-facts.ts';
import { lookAtTraffic, type Traffic, type TrafficLook } from './traffic-look.ts';
import { emptyState, parseState, type StateStore, type WatchState } from './watch-state.ts';

export interface WatchOptions {
  readonly namespaces: readonly string[] | undefined;
  /** Milliseconds between looks at the access logs. */
  readonly trafficEveryMs: number;
  /** Milliseconds between looks at the proxies' configuration and certificates. */
  readonly proxiesEveryMs: number;
  /** A sender of plaintext, or a refused one, is told again after it was quiet for so long. */
  readonly quietMs: number;
}

/** What a metrics page shows. */
export interface WatchReading {
  readonly facts: readonly Fact[];
  readonly proxies?: ProxyLook;
  readonly traffic?: TrafficLook;
}

export interface WatchEffects {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
  readonly store: StateStore | undefined;
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when the events are out. */
  tell(events: readonly KeepEvent[]): Promise<void>;
  /** The state that was found at the start. */
  onBaseline(facts: readonly Fact[], resumed: boolean): Promise<void>;
  /** Something could not be read, and is tried again. */
  onTrouble(sentence: string): void;
  onReading?(source: Source, reading: WatchReading, traffic: readonly Traffic[]): void;
}

interface Cause {
  readonly resource: string;
  readonly removed: boolean;
}

/** Facts that come back quiet are forgotten; more senders than this at once are summed up. */
const mostSenders = 5_000;
/** Changes of pods and endpoints come in swarms. */
const swarmMs = 300;
/** Beyond so many changes that wait to be judged one by one they are judged together, so that a storm holds no memory. */
const mostWaiting = 64;

export class Watcher {
  readonly #options: WatchOptions;
  readonly #effects: WatchEffects;
  readonly #feed: ObjectFeed;
  readonly #known = new Map<Source, Map<string, string>>();
  #facts = new Map<Source, readonly Fact[]>();
  #round = 0;
  #logs: ReadonlyMap<string, string> = new Map();
  #counters: ReadonlyMap<string, number> = new Map();
  #behind: ReadonlyMap<string, string> = new Map();
  /** Everything that tells or saves goes through here, one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #swarm = false;
  /** Judgements of single policies that wait; see `mostWaiting`. */
  #waiting = 0;
  readonly #silent = new Set<string>();
  #saved = '';
  /** Policies changed that were not judged one by one. */
  #gap = false;

  constructor(options: WatchOptions, effects: WatchEffects) {
    this.#options = options;
    this.#effects = effects;
    this.#feed = new ObjectFeed(options.namespaces, {
      cluster: effects.cluster,
      signal: effects.signal,
      now: () => effects.now(),
      sleep: (milliseconds, signal) => effects.sleep(milliseconds, signal),
      onChange: (changes) => this.#changed(changes),
      onTrouble: (type, error) => {
        if (this.#silent.size === 0) effects.onTrouble(`${messageOf(error)}; trying again`);
        this.#silent.add(type);
      },
      onRecovered: (type) => {
        this.#silent.delete(type);
        if (this.#silent.size === 0) effects.onTrouble('the API server answers again');
      },
    });
  }

  /** Runs until the signal ends it. @throws PadlockError where the first reading fails, or the state cannot be kept */
  async run(): Promise<void> {
    const resumed = await this.#load();
    await this.#feed.open();
    await this.#judgeMesh(true);
    await this.#effects.onBaseline(this.#facts.get('mesh') ?? [], resumed);
    await this.#save();
    const { trafficEveryMs, proxiesEveryMs } = this.#options;
    const failed = Promise.withResolvers<never>();
    // What goes wrong in the queue (a state that cannot be saved) ends the watch, and is not swallowed.
    this.#fail = failed.reject;
    await Promise.race([
      failed.promise,
      Promise.all([
        this.#feed.follow(),
        this.#every(proxiesEveryMs, () => this.#lookAtProxies()),
        this.#every(trafficEveryMs, () => this.#lookAtTraffic()),
      ]),
    ]);
    await this.#queue;
  }

  #fail: (error: unknown) => void = (error) => {
    throw error;
  };

  #scope(): string {
    return `${this.#effects.cluster.context}/${this.#options.namespaces?.toSorted().join(',') ?? '*'}`;
  }

  async #load(): Promise<boolean> {
    const text = await this.#effects.store?.load();
    const state = text === undefined ? emptyState(this.#scope()) : parseState(text, this.#scope());
    this.#round = state.round;
    for (const [source, facts] of Object.entries(state.facts)) {
      if (facts !== null) this.#known.set(source as Source, new Map(Object.entries(facts)));
    }
    this.#logs = new Map(Object.entries(state.logs));
    this.#counters = new Map(Object.entries(state.counters));
    return text !== undefined;
  }

  async #save(): Promise<void> {
    const { store } = this.#effects;
    if (store === undefined) return;
    const facts = (source: Source): Record<string, string> | null => {
      const known = this.#known.get(source);
      return known === undefined ? null : Object.fromEntries(known);
    };
    const state: WatchState = {
      scope: this.#scope(),
      round: this.#round,
      facts: { mesh: facts('mesh'), proxies: facts('proxies'), traffic: facts('traffic') },
      logs: Object.fromEntries(this.#logs),
      counters: Object.fromEntries(this.#counters),
    };
    const text = JSON.stringify(state);
    if (text === this.#saved) return;
    await store.save(text);
    this.#saved = text;
  }

  #changed(changes: readonly Changed[]): void {
    // Each change of a policy is judged by itself, so that one that is taken back at once is still told.
    const policies = changes.filter(({ object }) => isPolicy(object));
    if (policies.length > 0 && this.#waiting < mostWaiting) {
      const snapshot = this.#feed.snapshot();
      const [only] = policies.length === 1 ? policies : [];
      const cause = only === undefined ? undefined : { resource: refOf(only.object), removed: only.removed };
      const afterGap = policies.some((change) => change.afterGap);
      this.#waiting += 1;
      this.#enqueue(async () => {
        this.#waiting -= 1;
        await this.#judge(buildMesh(snapshot), afterGap, cause);
      });
      return;
    }
    this.#gap ||= policies.length > 0;
    if (this.#swarm) return;
    this.#swarm = true;
    this.#enqueue(async () => {
      await this.#effects.sleep(swarmMs, this.#effects.signal).catch(() => undefined);
      this.#swarm = false;
      const gap = this.#gap;
      this.#gap = false;
      await this.#judgeMesh(gap);
    });
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(task).catch((error: unknown) => this.#fail(error));
  }

  #judgeMesh(afterGap: boolean): Promise<void> {
    return this.#judge(buildMesh(this.#feed.snapshot()), afterGap, undefined);
  }

  async #judge(mesh: Mesh, afterGap: boolean, cause: Cause | undefined): Promise<void> {
    const today = new Date(this.#effects.now()).toISOString().slice(0, 10);
    const facts = meshFacts(mesh, this.#options.namespaces, today);
    await this.#compare('mesh', facts, afterGap, cause);
    this.#effects.onReading?.('mesh', { facts }, []);
  }

  /** @param cause the one object whose change led here */
  async #compare(
    source: Source,
    facts: readonly Fact[],
    afterGap: boolean,
    cause: Cause | undefined,
  ): Promise<void> {
    const known = this.#known.get(source);
    const how: Comparison = { first: known === undefined, afterGap, round: this.#round };
    const time = new Date(this.#effects.now()).toISOString();
    const events = compareFacts(known ?? new Map(), facts, how, time).map((event) =>
      this.#named(event, cause),
    );
    this.#facts.set(source, facts);
    if (events.length > 0) {
      await this.#effects.tell(events);
      this.#round += 1;
    }
    this.#known.set(source, new Map(facts.map(({ key, value }) => [key, value])));
    if (events.length > 0 || known === undefined) await this.#save();
  }

  /** Names what changed and who wrote it. A change that was watched names itself; after a gap the deciding policy is named. */
  #named(event: KeepEvent, cause: Cause | undefined): KeepEvent {
    const isDeclared =
      event.event.startsWith('mode-') || event.event.startsWith('edge-') || event.event === 'policy-changed';
    const resource = isDeclared ? (cause?.resource ?? event.resource) : event.resource;
    if (resource === undefined) return event;
    if (isDeclared && cause?.removed === true) {
      return { ...event, resource, detail: `${event.detail}, ${resource} was deleted` };
    }
    const author = this.#feed.author(resource);
    return { ...event, resource, ...(author === undefined ? {} : { author }) };
  }

  async #every(milliseconds: number, look: () => Promise<void>): Promise<void> {
    const { signal } = this.#effects;
    while (!signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof PadlockError)) throw error;
        this.#effects.onTrouble(`${error.message}; trying again`);
      }
      await this.#effects.sleep(milliseconds, signal).catch(() => undefined);
    }
  }

  async #lookAtProxies(): Promise<void> {
    const mesh = buildMesh(this.#feed.snapshot());
    const look = await lookAtProxies(mesh, this.#options.namespaces, this.#behind, this.#effects);
    this.#behind = look.behind;
    this.#enqueue(() => this.#compare('proxies', look.facts, false, undefined));
    await this.#queue;
    this.#effects.onReading?.('proxies', { facts: look.facts, proxies: look }, []);
  }

  async #lookAtTraffic(): Promise<void> {
    const mesh = buildMesh(this.#feed.snapshot());
    const before = { first: !this.#known.has('traffic'), logs: this.#logs, counters: this.#counters };
    const look = await lookAtTraffic(mesh, this.#options.namespaces, before, this.#effects);
    const known = this.#known.get('traffic');
    this.#enqueue(async () => {
      const facts = [...this.#senders(look.traffic), ...look.facts];
      await this.#compare('traffic', facts, false, undefined);
      if (known === undefined && look.counting === 0 && look.cursors.logs.size > 0) {
        this.#effects.onTrouble(
          'the proxies keep no counters of failed handshakes: `padlock watch --propose-stats` prints what changes that',
        );
      }
      this.#logs = look.cursors.logs;
      this.#counters = look.cursors.counters;
      await this.#save();
      this.#effects.onReading?.('traffic', { facts, traffic: look }, look.traffic);
    });
    await this.#queue;
  }

  /** Senders that were seen within the quiet time: the ones of before, kept or forgotten, and the new ones. */
  #senders(traffic: readonly Traffic[]): readonly Fact[] {
    const now = this.#effects.now();
    const facts = new Map<string, Fact>();
    for (const [key, value] of this.#known.get('traffic') ?? []) {
      if (value !== '' && now - Number(value) < this.#options.quietMs)
        facts.set(key, { key, value, namespace: '', detail: '' });
    }
    for (const { kind, namespace, server, sender, count } of traffic) {
      const key = `${kind} ${server} from ${sender}`;
      if (!facts.has(key) && facts.size >= mostSenders) continue;
      const unit = kind === 'plaintext' ? 'requests' : kind === 'refused' ? 'connections' : 'handshakes';
      facts.set(key, { key, value: String(now), namespace, detail: `${count} ${unit}` });
    }
    return [...facts.values()];
  }
}

const policyKinds: ReadonlySet<string> = new Set([
  'PeerAuthentication',
  'DestinationRule',
  'Sidecar',
  'VirtualService',
  'ServiceEntry',
  'Namespace',
  'ConfigMap',
]);

function isPolicy({ kind }: KubeObject): boolean {
  return policyKinds.has(kind);
}

function refOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return formatRef({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

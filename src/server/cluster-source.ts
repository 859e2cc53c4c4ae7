/**
 * A cluster that is watched: a change of anything that the mesh is made of leads to another look, soon but never faster than
 * the cluster can be read. Where watching is not allowed it is read every few seconds.
 */
import { PadlockError } from '../errors.ts';
import { recordName } from '../rollout/record.ts';
import type { Cluster, WatchEvent } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import { asText, dig } from '../sources/json-value.ts';
import { MeshChanges } from './mesh-changes.ts';
import { type Look, lookAt, type Source } from './source.ts';
import { type WatchedType, watchedTypes, watchForever } from './watching.ts';
import type { DashboardEvent } from './wire.ts';

export interface ClusterSourceOptions {
  readonly cluster: Cluster;
  /** Absent: all. */
  readonly namespaces?: readonly string[];
  readonly clock: Clock;
}

export interface Clock {
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Changes come in bursts: so long is waited for the rest of one. */
const settleMs = 150;
/** Also read without any word of a change: a watch may be lost without a sign. */
const idleMs = 60_000;
const pollMs = 5_000;
const retryMs = 2_000;

/** @throws PadlockError what the first reading throws */
export async function clusterSource(options: ClusterSourceOptions): Promise<Source> {
  const source = new ClusterSource(options);
  await source.read();
  return source;
}

class ClusterSource implements Source {
  readonly cluster: Cluster;
  readonly namespaces?: readonly string[];
  problem: string | undefined;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #look: Look | undefined;
  #tell: (event: DashboardEvent) => void = () => undefined;
  #running: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;
  #dirty = false;
  #polling = false;
  #changes: MeshChanges | undefined;
  /** What the rollouts' records say, by namespace. */
  readonly #summaries = new Map<string, string>();

  constructor({ cluster, namespaces, clock }: ClusterSourceOptions) {
    this.cluster = cluster;
    if (namespaces !== undefined) this.namespaces = namespaces;
    this.#clock = clock;
  }

  get look(): Look {
    if (this.#look === undefined) throw new Error('the cluster was not read yet');
    return this.#look;
  }

  /** @returns whether anything that the page shows has changed */
  async read(): Promise<boolean> {
    const begun = this.#changes?.beginReading() ?? 0;
    const snapshot = await readClusterSnapshot(this.cluster, {
      ...(this.namespaces === undefined ? {} : { namespaces: this.namespaces }),
      signal: this.#closing.signal,
      now: () => this.#clock.now(),
      needsIstio: true,
    });
    const before = this.#look;
    const next = lookAt((before?.revision ?? 0) + 1, snapshot);
    for (const event of this.#changes?.read(next.mesh, begun) ?? []) this.#tell(event);
    if (before !== undefined && withoutTime(before.page) === withoutTime(next.page)) return false;
    this.#look = next;
    return true;
  }

  start(tell: (event: DashboardEvent) => void): void {
    this.#tell = tell;
    this.#changes = new MeshChanges(this.look.mesh, () => this.#clock.now());
    this.#running = Promise.all([this.#watch(), this.#readAgain()]);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the dashboard ends'));
    this.#wake();
    await this.#running;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    const types = await this.#typesToWatch();
    await Promise.all(
      types.map((type) =>
        watchForever(this.cluster, type, {
          namespaces: this.namespaces,
          rootNamespace: this.look.mesh.config.rootNamespace,
          signal,
          clock: this.#clock,
          onEvent: (event) => this.#heard(event),
          onGap: () => this.#changed(),
          onRefused: () => this.#poll(type),
        }),
      ),
    );
  }

  /** The API server tells which versions it serves; without an answer it is asked again. */
  async #typesToWatch(): Promise<readonly WatchedType[]> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return await watchedTypes(this.cluster, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof PadlockError)) throw error;
        this.#lost(error);
        await rest(this.#clock, retryMs, signal);
      }
    }
    return [];
  }

  #heard(event: WatchEvent): void {
    if (event.type === 'ERROR' || event.type === 'BOOKMARK') return;
    const at = new Date(this.#clock.now()).toISOString();
    if (event.object.kind === 'ConfigMap' && event.object.metadata.name === recordName) {
      const namespace = event.object.metadata.namespace ?? '';
      const summary = event.type === 'DELETED' ? 'its record was removed' : summaryOf(event);
      // What a run measures stands in it too: the page looks, and nothing has happened.
      const says = summary === this.#summaries.get(namespace) ? '' : summary;
      this.#summaries.set(namespace, summary);
      this.#tell({ kind: 'rollout', at, namespace, says });
      return;
    }
    for (const change of this.#changes?.heard(event.type, event.object) ?? []) this.#tell(change);
    this.#changed();
  }

  #changed(): void {
    this.#dirty = true;
    this.#wake();
  }

  #poll(type: WatchedType): void {
    if (this.#polling || type.optional === true) return;
    this.#polling = true;
    const says = `not allowed to watch ${type.plural}: reading every ${pollMs / 1000} s instead`;
    this.#tell({ kind: 'connection', at: new Date(this.#clock.now()).toISOString(), state: 'polling', says });
    this.#wake();
  }

  async #readAgain(): Promise<void> {
    const { signal } = this.#closing;
    let took = 0;
    while (!signal.aborted) {
      if (!this.#dirty) await this.#waitForChange(this.#polling ? pollMs : idleMs);
      // A mesh that takes long to read is read less often.
      await rest(this.#clock, Math.max(settleMs, 3 * took), signal);
      if (signal.aborted) return;
      this.#dirty = false;
      const began = this.#clock.now();
      await this.#readOnce();
      took = this.#clock.now() - began;
    }
  }

  async #readOnce(): Promise<void> {
    const { signal } = this.#closing;
    try {
      const changed = await this.read();
      const at = new Date(this.#clock.now()).toISOString();
      if (this.problem !== undefined) {
        this.problem = undefined;
        this.#tell({ kind: 'connection', at, state: 'live', says: 'the cluster answers again' });
      }
      if (changed) this.#tell({ kind: 'snapshot', at, revision: this.look.revision });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PadlockError)) throw error;
      this.#lost(error);
      await rest(this.#clock, retryMs, signal);
      this.#dirty = true;
    }
  }

  #lost(error: PadlockError): void {
    if (this.problem === error.message) return;
    this.problem = error.message;
    const at = new Date(this.#clock.now()).toISOString();
    this.#tell({ kind: 'connection', at, state: 'lost', says: error.message });
  }

  async #waitForChange(milliseconds: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort(new Error('something changed'));
    if (this.#closing.signal.aborted) return;
    await rest(this.#clock, milliseconds, woken.signal);
  }
}

/** Sleeps, or less when the signal comes. */
async function rest(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function summaryOf({ object }: { readonly object: unknown }): string {
  return asText(dig(object, 'data', 'summary')) ?? 'its record was changed';
}

/** The moment of reading is no change. */
function withoutTime(page: string): string {
  return page.replace(/"takenAt":"[^"]*",?/, '');
}

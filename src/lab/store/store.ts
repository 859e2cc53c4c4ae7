/**
 * An in-memory store with etcd's semantics, as far as an API server uses them: one revision counter for
 * everything, objects by resource and key, and an ordered log of changes with a bounded length. A watcher
 * that asks for a revision older than the log is told so (410 Gone in the API).
 */

export type StoreEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One committed write. `object` carries `revision` as its resource version; for DELETED it is the last state. */
export interface StoreEvent<T> {
  readonly revision: number;
  readonly resource: string;
  readonly key: string;
  readonly type: StoreEventType;
  readonly object: T;
  readonly previous?: T;
}

/** An object with its place. */
export interface StoredObject<T> {
  readonly resource: string;
  readonly key: string;
  readonly object: T;
}

export interface StoreOptions<T> {
  /** Events kept for watchers that start in the past. */
  readonly history?: number;
  /** Called before each write; what it throws is thrown to the writer, and nothing is written. */
  readonly keep?: (event: StoreEvent<T>) => void;
  /** What an earlier store held. Watchers from before `revision` are told that it is forgotten. */
  readonly restored?: { readonly revision: number; readonly objects: readonly StoredObject<T>[] };
}

/** What `since` answers when the asked revision has fallen out of the log. */
export interface Compacted {
  readonly oldest: number;
}

type Listener<T> = (event: StoreEvent<T>) => void;

export class Store<T> {
  readonly #resources = new Map<string, Map<string, T>>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #history: number;
  readonly #keep: (event: StoreEvent<T>) => void;
  #log: StoreEvent<T>[] = [];
  #compacted = 0;
  #revision: number;

  /** Revisions begin at 1, so that resource version "0" keeps its meaning of "any". */
  constructor(options: StoreOptions<T> = {}) {
    this.#history = options.history ?? 10_000;
    this.#keep = options.keep ?? (() => undefined);
    this.#revision = options.restored?.revision ?? 1;
    this.#compacted = options.restored?.revision ?? 0;
    for (const { resource, key, object } of options.restored?.objects ?? [])
      this.#of(resource).set(key, object);
  }

  /** The newest revision: a list taken now carries it. */
  get revision(): number {
    return this.#revision;
  }

  get(resource: string, key: string): T | undefined {
    return this.#resources.get(resource)?.get(key);
  }

  /** All objects of a resource, in the order of their keys, as etcd lists them. */
  list(resource: string, prefix = ''): readonly { readonly key: string; readonly object: T }[] {
    const found: { key: string; object: T }[] = [];
    for (const [key, object] of this.#resources.get(resource) ?? []) {
      if (key.startsWith(prefix)) found.push({ key, object });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  count(resource: string): number {
    return this.#resources.get(resource)?.size ?? 0;
  }

  /** Writes what `make` builds for the new revision; ADDED where the key was free, else MODIFIED. */
  put(resource: string, key: string, make: (revision: number) => T): T {
    const objects = this.#of(resource);
    const previous = objects.get(key);
    const revision = this.#revision + 1;
    const object = make(revision);
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    const event = { revision, resource, key, type, object } as const;
    this.#commit(previous === undefined ? event : { ...event, previous });
    return object;
  }

  /** Removes a key; `make` gives the last state, which watchers see, the new revision on it. Undefined where the key is free. */
  delete(resource: string, key: string, make: (previous: T, revision: number) => T): T | undefined {
    const objects = this.#of(resource);
    const previous = objects.get(key);
    if (previous === undefined) return undefined;
    const revision = this.#revision + 1;
    const object = make(previous, revision);
    this.#commit({ revision, resource, key, type: 'DELETED', object, previous });
    return object;
  }

  /** Events of the resources after `revision`, oldest first, or how far back the log still reaches. */
  since(resources: ReadonlySet<string>, revision: number): readonly StoreEvent<T>[] | Compacted {
    if (revision < this.#compacted) return { oldest: this.#compacted + 1 };
    const from = this.#log.findIndex((event) => event.revision > revision);
    if (from === -1) return [];
    return this.#log.slice(from).filter((event) => resources.has(event.resource));
  }

  /** Calls the listener within each later commit, in order; returns the unsubscribing function. Listeners must not write. */
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #of(resource: string): Map<string, T> {
    const present = this.#resources.get(resource);
    if (present !== undefined) return present;
    const made = new Map<string, T>();
    this.#resources.set(resource, made);
    return made;
  }

  /** Kept first: a write that cannot be kept has not happened, for nobody. */
  #commit(event: StoreEvent<T>): void {
    this.#keep(event);
    this.#revision = event.revision;
    if (event.type === 'DELETED') this.#of(event.resource).delete(event.key);
    else this.#of(event.resource).set(event.key, event.object);
    this.#log.push(event);
    // Trimmed in halves: shifting one event for each write would copy the log each time.
    if (this.#log.length > this.#history * 2) {
      const dropped = this.#log.length - this.#history;
      this.#compacted = this.#log[dropped - 1]?.revision ?? this.#compacted;
      this.#log = this.#log.slice(dropped);
    }
    for (const listener of this.#listeners) listener(event);
  }
}

export function isCompacted<T>(answer: readonly StoreEvent<T>[] | Compacted): answer is Compacted {
  return 'oldest' in answer;
}

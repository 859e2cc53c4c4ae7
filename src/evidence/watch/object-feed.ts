/**
 * The cluster's objects, kept current: a list and a watch for each type. A watch that ends is taken up where it ended; one
 * that cannot be (410 Gone, an API server that was away) becomes a new list, and the difference to what is held is handed on
 * as if it had been watched. Holds one trimmed copy of each object and nothing of the past.
 */
import { PadlockError } from '../../errors.ts';
import { formatRef, type KubeObject } from '../../istio/kubernetes.ts';
import type { Snapshot, Unseen } from '../../mesh/snapshot.ts';
import type { Cluster, ResourceType } from '../../sources/cluster.ts';
import { discover } from '../../sources/discovery.ts';
import { BackOff } from '../../sources/kube/retry.ts';
import { namespaceNotFound } from '../../sources/namespace-not-found.ts';
import { trimForSnapshot } from '../../sources/snapshot-object.ts';
import {
  configMapsType,
  discoveredTypes,
  namespacedTypes,
  namespacesType,
  nodesType,
  podsType,
  resourceName,
  webhooksType,
} from '../../sources/snapshot-types.ts';
import { authorOf } from './author.ts';
import type { Author } from './fact.ts';

export interface Changed {
  readonly object: KubeObject;
  readonly removed: boolean;
  /** The type has just been listed again: what happened in between is not known. */
  readonly afterGap: boolean;
}

export interface FeedEffects {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** One list that was taken, or one event; several at once after a gap. */
  onChange(changes: readonly Changed[]): void;
  /** The API server does not answer for a type, and answers again. */
  onTrouble(type: string, error: unknown): void;
  onRecovered(type: string): void;
}

interface Held {
  readonly type: ResourceType;
  /** Absent: the whole cluster. */
  readonly namespace: string | undefined;
  readonly objects: Map<string, { readonly object: KubeObject; readonly version: string }>;
  version: string;
}

const firstBackoffMs = 500;
const lastBackoffMs = 30_000;
const rootNamespace = 'istio-system';

export class ObjectFeed {
  readonly #effects: FeedEffects;
  readonly #asked: readonly string[] | undefined;
  readonly #held: Held[] = [];
  readonly #unseen: Unseen[] = [];
  readonly #authors = new Map<string, Author>();

  constructor(asked: readonly string[] | undefined, effects: FeedEffects) {
    this.#asked = asked;
    this.#effects = effects;
  }

  /** Lists everything once. @throws PadlockError where Istio is not there or nothing may be read */
  async open(): Promise<void> {
    const { cluster, signal } = this.#effects;
    const served = await discover(cluster, Object.keys(discoveredTypes), signal);
    const istio = served.filter((type) => discoveredTypes[type.group]?.includes(type.plural) === true);
    if (!istio.some(({ group }) => group === 'security.istio.io')) {
      throw new PadlockError('ISTIO_NOT_FOUND', `Istio is not installed in context ${cluster.context}`);
    }
    const types = [namespacesType, webhooksType, nodesType, ...namespacedTypes, ...istio];
    await Promise.all(types.map((type) => this.#openType(type)));
    await this.#tryOpen(configMapsType, rootNamespace);
    const names = this.snapshot().objects.flatMap(({ object }) =>
      object.kind === 'Namespace' ? [object.metadata.name] : [],
    );
    const missing = names.length === 0 ? undefined : this.#asked?.find((name) => !names.includes(name));
    if (missing !== undefined) throw namespaceNotFound(missing, names);
  }

  /** Follows every type until the signal ends it. */
  async follow(): Promise<void> {
    await Promise.all(this.#held.map((held) => this.#followOne(held)));
  }

  snapshot(): Snapshot {
    const source = `context ${this.#effects.cluster.context}`;
    const origin = { source };
    return {
      source,
      objects: this.#held.flatMap(({ objects }) =>
        [...objects.values()].map(({ object }) => ({ object, origin })),
      ),
      unseen: this.#unseen,
    };
  }

  /** Of a policy: `PeerAuthentication shop/default`. */
  author(resource: string): Author | undefined {
    return this.#authors.get(resource);
  }

  async #openType(type: ResourceType): Promise<void> {
    const refused = await this.#tryOpen(type, undefined);
    if (refused === undefined || !type.namespaced) return;
    const places = new Set([...(this.#asked ?? []), rootNamespace]);
    await Promise.all(
      [...places].map(async (namespace) => {
        const refusedHere = await this.#tryOpen(type, namespace);
        // Without the pods of what was asked for there is nothing to watch, and silence would look like calm.
        if (refusedHere !== undefined && type === podsType && this.#asked?.includes(namespace) === true) {
          throw refusedHere;
        }
      }),
    );
    if (type === podsType && this.#asked === undefined) throw refused;
  }

  /** @returns why it may not be read, where it may not */
  async #tryOpen(type: ResourceType, namespace: string | undefined): Promise<PadlockError | undefined> {
    const held: Held = { type, namespace, objects: new Map(), version: '' };
    try {
      this.#take(held, await this.#list(held));
    } catch (error) {
      if (!(error instanceof PadlockError)) throw error;
      if (error.code === 'CLUSTER_NOT_FOUND') return undefined;
      if (error.code !== 'CLUSTER_FORBIDDEN') throw error;
      this.#unseen.push({
        resource: resourceName(type),
        ...(namespace === undefined ? {} : { namespace }),
        reason: error.message,
      });
      return error;
    }
    this.#held.push(held);
    return undefined;
  }

  #list({ type, namespace }: Held) {
    const { cluster, signal } = this.#effects;
    return cluster.list(type, { ...(namespace === undefined ? {} : { namespace }), signal });
  }

  /** Puts a list in the place of what is held. @returns the difference */
  #take(held: Held, list: { items: readonly KubeObject[]; resourceVersion: string }): readonly Changed[] {
    const changes: Changed[] = [];
    const gone = new Set(held.objects.keys());
    for (const object of list.items) {
      gone.delete(keyOf(object));
      if (held.objects.get(keyOf(object))?.version === object.metadata.resourceVersion) continue;
      changes.push({ object: this.#put(held, object), removed: false, afterGap: true });
    }
    for (const key of gone) {
      const object = held.objects.get(key)?.object;
      held.objects.delete(key);
      if (object !== undefined) changes.push({ object, removed: true, afterGap: true });
    }
    held.version = list.resourceVersion;
    return changes;
  }

  #put(held: Held, object: KubeObject): KubeObject {
    const trimmed = trimForSnapshot(object);
    if (held.type === configMapsType && !object.metadata.name.startsWith('istio')) return trimmed;
    held.objects.set(keyOf(object), { object: trimmed, version: object.metadata.resourceVersion ?? '' });
    const author = hasAuthor(object) ? authorOf(object) : undefined;
    if (author !== undefined) this.#authors.set(refOf(object), author);
    return trimmed;
  }

  async #followOne(held: Held): Promise<void> {
    const { signal } = this.#effects;
    const name = resourceName(held.type);
    const backOff = new BackOff(firstBackoffMs, lastBackoffMs);
    let troubled = false;
    let mustList = false;
    while (!signal.aborted) {
      const began = this.#effects.now();
      try {
        if (mustList) {
          const changes = this.#take(held, await this.#list(held));
          mustList = false;
          if (changes.length > 0) this.#effects.onChange(changes);
        }
        if (troubled) this.#effects.onRecovered(name);
        troubled = false;
        mustList = !(await this.#watchOnce(held));
        // A server that ends every watch at once must not be asked in a circle.
        if (this.#effects.now() - began >= firstBackoffMs) backOff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof PadlockError)) throw error;
        mustList = true;
        if (!troubled) this.#effects.onTrouble(name, error);
        troubled = true;
      }
      if (troubled || mustList || this.#effects.now() - began < firstBackoffMs) {
        await this.#effects.sleep(backOff.wait(), signal).catch(() => undefined);
      }
    }
  }

  /** @returns true where the watch ended in good order and may be taken up at the newest version; false asks for a list */
  async #watchOnce(held: Held): Promise<boolean> {
    const { cluster, signal, onChange } = this.#effects;
    const options = { ...(held.namespace === undefined ? {} : { namespace: held.namespace }), signal };
    for await (const event of cluster.watch(held.type, held.version, options)) {
      if (event.type === 'ERROR') return false;
      held.version = event.object.metadata.resourceVersion ?? held.version;
      if (event.type === 'BOOKMARK') continue;
      if (event.type !== 'DELETED') {
        onChange([{ object: this.#put(held, event.object), removed: false, afterGap: false }]);
        continue;
      }
      held.objects.delete(keyOf(event.object));
      onChange([{ object: trimForSnapshot(event.object), removed: true, afterGap: false }]);
      this.#authors.delete(refOf(event.object));
    }
    return true;
  }
}

function keyOf({ metadata: { namespace = '', name } }: KubeObject): string {
  return `${namespace}/${name}`;
}

function refOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return formatRef({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
}

/** Kinds whose author an event names. */
function hasAuthor({ kind }: KubeObject): boolean {
  return kind === 'PeerAuthentication' || kind === 'DestinationRule' || kind === 'Namespace';
}

/** Keeps a store in step with one resource of another API server: a list, then a watch, and again from a list after a gap. */
import { setTimeout as wait } from 'node:timers/promises';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { objectKey } from '../api/engine/engine.ts';
import type { Store } from '../store/store.ts';
import { type ApiClient, remoteType } from './api-client.ts';

export interface MirrorOptions {
  readonly client: ApiClient;
  readonly store: Store<KubeObject>;
  readonly resource: string;
  readonly signal: AbortSignal;
  /** The object as the lab is to see it: with what is written and not answered yet. */
  readonly overlay: (resource: string, object: KubeObject) => KubeObject;
  /** The server did not answer, or refused; it is asked again. */
  readonly onProblem: (sentence: string, error: unknown) => void;
}

const againMilliseconds = 200;

/** Resolves with the end of the mirror once the first list is in the store. Rejects where that list fails. */
export async function startMirror(options: MirrorOptions): Promise<{ readonly ended: Promise<void> }> {
  const version = await relist(options);
  return { ended: follow(options, version) };
}

async function follow(options: MirrorOptions, first: string): Promise<void> {
  const { resource, signal, onProblem } = options;
  let version: string | undefined = first;
  while (!signal.aborted) {
    try {
      version = await watchFrom(options, version ?? (await relist(options)));
    } catch (error) {
      if (signal.aborted) return;
      version = undefined;
      onProblem(`the watch of ${resource} broke off`, error);
      await wait(againMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** @returns where to go on; undefined where a new list is needed. */
async function watchFrom(options: MirrorOptions, from: string): Promise<string | undefined> {
  const { client, store, resource, signal, overlay } = options;
  let version = from;
  for await (const event of client.watch(remoteType(resource), from, { signal })) {
    if (event.type === 'ERROR') return undefined;
    const { object } = event;
    version = object.metadata.resourceVersion ?? version;
    if (event.type === 'DELETED') forget(store, resource, object);
    else if (event.type !== 'BOOKMARK') putNewer(store, resource, overlay(resource, object));
  }
  return version;
}

async function relist({ client, store, resource, signal, overlay }: MirrorOptions): Promise<string> {
  const { items, resourceVersion } = await client.list(remoteType(resource), { signal });
  const listed = new Set<string>();
  for (const object of items) {
    listed.add(keyOf(object));
    putNewer(store, resource, overlay(resource, object));
  }
  for (const { key, object } of store.list(resource)) {
    if (!listed.has(key)) forget(store, resource, object);
  }
  return resourceVersion;
}

function keyOf({ metadata }: KubeObject): string {
  return objectKey(metadata.namespace, metadata.name);
}

/** What a slower way brings of an object's past is no news. */
export function putNewer(store: Store<KubeObject>, resource: string, object: KubeObject): void {
  const key = keyOf(object);
  const known = store.get(resource, key);
  if (known !== undefined && versionOf(known) >= versionOf(object)) return;
  // Deleted and made again while nobody looked: two objects, and two lives.
  if (known?.metadata.uid !== undefined && known.metadata.uid !== object.metadata.uid)
    store.delete(resource, key, () => known);
  store.put(resource, key, () => object);
}

export function forget(store: Store<KubeObject>, resource: string, object: KubeObject): void {
  const key = keyOf(object);
  // Another object may have the name by now.
  if (store.get(resource, key)?.metadata.uid !== object.metadata.uid) return;
  store.delete(resource, key, () => object);
}

/** Resource versions count up, and may be compared (KEP-5504). An object that was never stored has none. */
function versionOf({ metadata }: KubeObject): bigint {
  return BigInt(metadata.resourceVersion ?? 0);
}

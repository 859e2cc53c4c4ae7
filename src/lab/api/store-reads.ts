/** Reads and watches of a store, as the lab's own parts make them. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Store } from '../store/store.ts';
import type { Change, ListFilter } from './api.ts';

export function listStore(
  store: Store<KubeObject>,
  resource: string,
  filter: ListFilter = {},
): readonly KubeObject[] {
  const prefix = filter.namespace === undefined ? '' : `${filter.namespace}/`;
  const wanted = Object.entries(filter.labels ?? {});
  return store
    .list(resource, prefix)
    .map((entry) => entry.object)
    .filter((object) => wanted.every(([key, value]) => object.metadata.labels?.[key] === value));
}

/** See `Api.watch`. */
export function watchStore(
  store: Store<KubeObject>,
  resources: readonly string[],
  listener: (change: Change) => void,
  options: { readonly initial?: boolean } = {},
): () => void {
  const wanted = new Set(resources);
  const queue: Change[] = [];
  let isOpen = true;
  // One microtask for each change, in order: a listener that writes sees its own change later, not nested.
  const drain = (): void => {
    const change = queue.shift();
    if (change === undefined || !isOpen) return;
    if (queue.length > 0) queueMicrotask(drain);
    listener(change);
  };
  const push = (change: Change): void => {
    queue.push(change);
    if (queue.length === 1) queueMicrotask(drain);
  };
  if (options.initial === true) {
    for (const resource of resources) {
      for (const { object } of store.list(resource)) push({ resource, type: 'ADDED', object });
    }
  }
  const unsubscribe = store.subscribe(({ resource, type, object, previous }) => {
    if (!wanted.has(resource)) return;
    push({ resource, type, object, ...(previous === undefined ? {} : { previous }) });
  });
  return () => {
    isOpen = false;
    unsubscribe();
  };
}

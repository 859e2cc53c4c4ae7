/** Watches: one line of JSON for each change, from a revision or from the beginning, with bookmarks. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { isCompacted, type StoreEvent } from '../../store/store.ts';
import type { Engine } from '../engine/engine.ts';
import { formatApiVersion } from '../registry/registry.ts';
import type { Resource } from '../registry/resource.ts';
import { expired, qualified } from '../status.ts';
import { isSelected, parseRevision, type Selection } from './list.ts';
import { presentObject, tableOf, type View } from './present.ts';
import { isTrue } from './request-info.ts';

export interface WatchOptions {
  readonly bookmarks: boolean;
  readonly initialEvents: boolean;
  /** Undefined: from the beginning, that is with what exists now. */
  readonly revision: number | undefined;
  /** Milliseconds after which the server ends the watch. */
  readonly timeout: number;
}

// The real server ends a watch after 30 to 60 minutes where the client names no time.
const defaultTimeout = 45 * 60_000;
const bookmarkInterval = 60_000;

/** @throws ApiStatus where the resource version is none. */
export function watchOptions(url: URL): WatchOptions {
  const version = url.searchParams.get('resourceVersion') ?? '';
  const seconds = Number(url.searchParams.get('timeoutSeconds') ?? '0');
  return {
    bookmarks: isTrue(url.searchParams.get('allowWatchBookmarks')),
    initialEvents: isTrue(url.searchParams.get('sendInitialEvents')),
    revision: version === '' || version === '0' ? undefined : parseRevision(version),
    timeout: seconds > 0 ? seconds * 1000 : defaultTimeout,
  };
}

/** A view, and the resource that is stored where it is not the one that is shown. */
export interface WatchView extends View {
  readonly stored: Resource;
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** The lines of a watch, until the client goes, the time is up, or the server closes. */
export async function* watchLines(
  engine: Engine,
  view: WatchView,
  selection: Selection,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { resource } = view;
  const queue: string[] = [];
  let wake: (() => void) | undefined;
  let isFirst = true;
  const push = (type: EventType, object: unknown): void => {
    queue.push(`${JSON.stringify({ type, object })}\n`);
    wake?.();
  };
  const show = (type: EventType, object: KubeObject): void => {
    const isTable = view.representation.as === 'Table';
    const revision = object.metadata.resourceVersion ?? '';
    push(
      type,
      isTable ? tableOf([object], view, { resourceVersion: revision }, isFirst) : presentObject(object, view),
    );
    isFirst = false;
  };
  const bookmark = (annotations: Readonly<Record<string, string>> | undefined): void => {
    const metadata = {
      creationTimestamp: null,
      resourceVersion: String(engine.store.revision),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const apiVersion = formatApiVersion(resource.group, view.version);
    const isTable = view.representation.as === 'Table';
    if (!isTable) push('BOOKMARK', { kind: resource.kind, apiVersion, metadata });
    else push('BOOKMARK', bookmarkTable(resource.kind, apiVersion, metadata));
  };
  const follow = (event: StoreEvent<KubeObject>): void => {
    const change = changeFor(event, view, selection);
    if (change !== undefined) show(change.type, change.object);
  };

  const past = startOf(engine, view, selection, options);
  if ('error' in past) {
    yield `${JSON.stringify({ type: 'ERROR', object: past.error })}\n`;
    return;
  }
  for (const object of past.existing) show('ADDED', object);
  if (options.initialEvents && options.bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' });
  for (const event of past.events) follow(event);
  const name = qualified(view.stored);
  const unsubscribe = engine.store.subscribe((event) => {
    if (event.resource === name) follow(event);
  });
  let isEnded = signal.aborted;
  const end = (): void => {
    isEnded = true;
    wake?.();
  };
  const timer = setTimeout(() => {
    if (options.bookmarks) bookmark(undefined);
    end();
  }, options.timeout);
  const ticker = options.bookmarks ? setInterval(() => bookmark(undefined), bookmarkInterval) : undefined;
  signal.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      while (queue.length > 0) yield queue.splice(0).join('');
      if (isEnded) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
    signal.removeEventListener('abort', end);
    unsubscribe();
  }
}

/** A bookmark among tables is a table of one row that prints nothing. */
function bookmarkTable(
  kind: string,
  apiVersion: string,
  metadata: { readonly resourceVersion: string },
): unknown {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: metadata.resourceVersion },
    columnDefinitions: null,
    rows: [{ cells: [], object: { kind, apiVersion, metadata } }],
  };
}

type Start =
  | { readonly existing: readonly KubeObject[]; readonly events: readonly StoreEvent<KubeObject>[] }
  | { readonly error: unknown };

function startOf(engine: Engine, view: WatchView, selection: Selection, options: WatchOptions): Start {
  const name = qualified(view.stored);
  if (options.revision === undefined || options.initialEvents) {
    const existing = engine.store
      .list(name)
      .map((entry) => entry.object)
      .filter((object) => isSelected(object, view.stored, selection));
    // A watch from "most recent" without a wish for initial events still begins with what there is.
    return { existing, events: [] };
  }
  const events = engine.store.since(new Set([name]), options.revision);
  if (isCompacted(events)) {
    return { error: expired(`too old resource version: ${options.revision} (${events.oldest})`).toJSON() };
  }
  return { existing: [], events };
}

/** What a change is to a watcher with selectors: an object may enter and leave what is watched. */
function changeFor(
  event: StoreEvent<KubeObject>,
  view: WatchView,
  selection: Selection,
): { readonly type: EventType; readonly object: KubeObject } | undefined {
  const was = event.previous !== undefined && isSelected(event.previous, view.stored, selection);
  if (event.type === 'DELETED') return was ? { type: 'DELETED', object: event.object } : undefined;
  const is = isSelected(event.object, view.stored, selection);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: event.object };
  return was ? { type: 'DELETED', object: event.object } : undefined;
}

/**
 * The server's events (text/event-stream) by `fetch`, because EventSource cannot send the key. It connects again by itself,
 * from the last event that was heard.
 */
import type { DashboardEvent } from '../server/wire.ts';
import { keyHeader, pageKey } from './page-key.ts';

export interface Listener {
  readonly hear: (event: DashboardEvent) => void;
  /** The server is there again; it may be another one than before. */
  readonly hello: () => void;
  readonly lost: () => void;
  /** It is there and refuses. */
  readonly refused: () => void;
}

const againMs = 1_000;
/** The server says something every 15 seconds; without a word for so long the connection is dead. */
const silentMs = 40_000;

/** Listens until the answer is called. */
export function listen(listener: Listener): () => void {
  const ended = new AbortController();
  void keepListening(listener, ended.signal);
  return () => ended.abort();
}

async function keepListening(listener: Listener, ended: AbortSignal): Promise<void> {
  const place = { last: '' };
  for (let first = true; !ended.aborted; first = false) {
    const silent = new AbortController();
    try {
      await listenOnce(listener, place, { first, ended, silent });
    } catch (error) {
      // `fetch` tells a broken connection by a TypeError.
      if (!ended.aborted && !silent.signal.aborted && !(error instanceof TypeError)) throw error;
    }
    if (ended.aborted) return;
    listener.lost();
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

interface Once {
  readonly first: boolean;
  readonly ended: AbortSignal;
  readonly silent: AbortController;
}

async function listenOnce(
  listener: Listener,
  place: { last: string },
  { first, ended, silent }: Once,
): Promise<void> {
  const response = await fetch('/api/events', {
    headers: { [keyHeader]: pageKey(), ...(place.last === '' ? {} : { 'last-event-id': place.last }) },
    signal: AbortSignal.any([ended, silent.signal]),
  });
  if (!response.ok || response.body === null) return listener.refused();
  if (!first) listener.hello();
  for await (const block of blocks(response.body, silent)) {
    place.last = field(block, 'id') ?? place.last;
    const data = field(block, 'data');
    // The server and the page are built together from one file of types.
    if (data !== undefined && field(block, 'event') === undefined)
      listener.hear(JSON.parse(data) as DashboardEvent);
  }
}

/** What stands between two empty lines. */
async function* blocks(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  silent: AbortController,
): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const timer = setTimeout(() => silent.abort(new Error('nothing was heard')), silentMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    const parts = `${rest}${value}`.split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

function field(block: string, name: string): string | undefined {
  const line = block.split('\n').find((one) => one.startsWith(`${name}: `));
  return line?.slice(name.length + 2);
}

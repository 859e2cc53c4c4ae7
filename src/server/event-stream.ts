/** Server-sent events (html.spec.whatwg.org, "Server-sent events"), with the last few kept for a page that reconnects. */
import { answer } from './answers.ts';
import type { DashboardEvent } from './wire.ts';

interface Numbered {
  readonly number: number;
  readonly event: DashboardEvent;
}

const kept = 500;
const pingMs = 15_000;
/** Chunks that may wait for a slow reader: all that is kept, and some more. */
const mostUnread = kept + 100;

/** Without a ping a browser does not notice a dead connection. */
export type Every = (milliseconds: number, task: () => void) => () => void;

export class EventStream {
  readonly #boot: string;
  readonly #every: Every;
  readonly #events: Numbered[] = [];
  readonly #listeners = new Set<(text: string) => void>();
  readonly #enders = new Set<() => void>();
  #number = 0;

  /** @param boot differs from start to start: numbers of another start mean nothing here */
  constructor(boot: string, every: Every) {
    this.#boot = boot;
    this.#every = every;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  tell(event: DashboardEvent): void {
    const numbered = { number: ++this.#number, event };
    if (!isPassing(event)) this.#events.push(numbered);
    if (this.#events.length > kept) this.#events.shift();
    const text = this.#text(numbered);
    for (const send of this.#listeners) send(text);
  }

  /** A stream from after the `Last-Event-ID` on; all that is kept for a page that has seen nothing. */
  open(request: Request): Response {
    const [boot, number] = (request.headers.get('last-event-id') ?? '').split('.');
    const after = boot === this.#boot ? Number(number) : 0;
    const missed = this.#events.filter((event) => event.number > after);
    const encoder = new TextEncoder();
    let stop = (): void => undefined;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (text: string): void => {
          controller.enqueue(encoder.encode(text));
          // A reader that does not read is let go; it connects again and hears what it missed.
          if ((controller.desiredSize ?? 0) < -mostUnread) end();
        };
        const end = (): void => {
          stop();
          controller.close();
        };
        const stopPings = this.#every(pingMs, () => send(': ping\n\n'));
        stop = () => {
          stopPings();
          this.#listeners.delete(send);
          this.#enders.delete(end);
        };
        send(`retry: 1000\nevent: hello\ndata: ${JSON.stringify({ boot: this.#boot })}\n\n`);
        for (const event of missed) send(this.#text(event));
        this.#listeners.add(send);
        this.#enders.add(end);
      },
      cancel: () => stop(),
    });
    return answer(200, stream, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  }

  close(): void {
    for (const end of [...this.#enders]) end();
  }

  #text({ number, event }: Numbered): string {
    return `id: ${this.#boot}.${number}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

/** A nudge to read again; a page that reconnects reads everything again anyway. */
function isPassing(event: DashboardEvent): boolean {
  return event.kind === 'snapshot' || (event.kind === 'rollout' && event.says === '');
}

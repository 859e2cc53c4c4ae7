/** Writes to another API server: in order for each object, tried again while the server is away. */
import { setTimeout as wait } from 'node:timers/promises';

export interface QueuedWrite {
  /** A write that waits gives way to a newer one of the same kind. */
  readonly kind: string;
  /** False: the server could not take it now. Rejects where it does not answer. */
  readonly run: () => Promise<boolean>;
}

const firstPause = 50;
const longestPause = 2_000;

export class WriteQueue {
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<string, QueuedWrite[]>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(key: string, write: QueuedWrite): void {
    const list = this.#waiting.get(key) ?? [];
    if (list.at(-1)?.kind === write.kind) list.pop();
    list.push(write);
    this.#waiting.set(key, list);
    if (!this.#running.has(key)) {
      this.#running.set(key, this.#drain(key, list));
    }
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async #drain(key: string, list: QueuedWrite[]): Promise<void> {
    for (let write = list.shift(); write !== undefined; write = list.shift()) await this.#untilDone(write);
    // Both in one go: a write that comes between would wait for nobody.
    this.#waiting.delete(key);
    this.#running.delete(key);
  }

  async #untilDone({ run }: QueuedWrite): Promise<void> {
    for (let pause = firstPause; !this.#signal.aborted; pause = Math.min(pause * 2, longestPause)) {
      // Nothing answers: the server restarts, or goes; it is asked again either way.
      if (await run().catch(() => false)) return;
      await wait(pause, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }
}

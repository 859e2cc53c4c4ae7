/** A container's log, kept in memory: the newest lines, within a bound of bytes. */

export interface LogLine {
  /** Counts up within the container's life; following resumes by it. */
  readonly index: number;
  readonly time: Date;
  readonly text: string;
}

/** Enough for a test to look back on, little enough for hundreds of containers. */
const maxBytes = 512 * 1024;

export class LogRing {
  #lines: LogLine[] = [];
  #bytes = 0;
  #next = 0;
  #ended = false;
  readonly #waiting = new Set<() => void>();

  append(text: string, time: Date): void {
    this.#lines.push({ index: this.#next, time, text });
    this.#next += 1;
    this.#bytes += text.length;
    // Trimmed in halves, so that a busy log is not copied for each line.
    if (this.#bytes > maxBytes * 2) {
      while (this.#bytes > maxBytes) this.#bytes -= this.#lines.shift()?.text.length ?? 0;
    }
    this.#wake();
  }

  /** The container has ended: whoever follows is told. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Lines from `index` on. */
  from(index: number): readonly LogLine[] {
    const first = this.#lines[0]?.index ?? this.#next;
    return this.#lines.slice(Math.max(0, index - first));
  }

  /** Resolves at the next line, the end of the container, or when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void> {
    if (this.#ended || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

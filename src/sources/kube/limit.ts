/** Lets so many tasks run at once and queues the rest in order. */
export class Limit {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The place goes straight to the next in line, so the count stays.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** Maps a list with at most `max` tasks at once; the results are in the list's order. */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  max: number,
  task: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const limit = new Limit(max);
  return Promise.all(items.map((item) => limit.run(() => task(item))));
}

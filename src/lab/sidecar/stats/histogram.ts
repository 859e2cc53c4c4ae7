/** A histogram with Envoy's default buckets (milliseconds). Quantiles are interpolated inside a bucket. */

export const bucketBounds = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

export const quantiles = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100] as const;

export class Histogram {
  /** One more than there are bounds: the last is +Inf. Not cumulative. */
  readonly #buckets = new Uint32Array(bucketBounds.length + 1);
  #sum = 0;
  #count = 0;

  record(value: number): void {
    const index = bucketBounds.findIndex((bound) => value <= bound);
    const bucket = index === -1 ? bucketBounds.length : index;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** How many values were at most each bound. */
  cumulative(): readonly number[] {
    let total = 0;
    return bucketBounds.map((_bound, index) => {
      total += this.#buckets[index] ?? 0;
      return total;
    });
  }

  /** The value that `percent` of the recorded values do not exceed. */
  quantile(percent: number): number {
    const rank = (percent / 100) * this.#count;
    let below = 0;
    for (const [index, bound] of bucketBounds.entries()) {
      const here = this.#buckets[index] ?? 0;
      if (here > 0 && below + here >= rank) {
        const lower = bucketBounds[index - 1] ?? 0;
        return lower + ((bound - lower) * Math.max(0, rank - below)) / here;
      }
      below += here;
    }
    return bucketBounds.at(-1) ?? 0;
  }
}

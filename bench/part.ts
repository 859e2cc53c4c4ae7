/** What every part of `npm run bench` is made of. */
export interface Part {
  /** `npm run bench -- NAME` runs it alone. */
  readonly name: string;
  /** What it measures, in one line. */
  readonly brief: string;
  run(bench: Bench): Promise<void>;
}

export interface Bench {
  /** Where inputs are kept between runs. */
  readonly folder: string;
  say(line: string): void;
  /** Holds a figure against a target that is documented in the README; a miss makes `npm run bench` exit with 1. */
  target(what: string, value: number, most: number, unit: string): void;
}

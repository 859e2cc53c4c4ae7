/** Keeps probes from coming too thick: so many a second over all, and to one pod only a few. */

export interface PaceEffects {
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const perPodIntervalMs = 100;

export class Pace {
  readonly #interval: number;
  readonly #effects: PaceEffects;
  #next = 0;
  readonly #nextOfPod = new Map<string, number>();

  /** @param perSecond probes a second over all pods */
  constructor(perSecond: number, effects: PaceEffects) {
    this.#interval = 1000 / perSecond;
    this.#effects = effects;
  }

  /** Resolves when it is this probe's turn. */
  async turn(pod: string): Promise<void> {
    const now = this.#effects.now();
    const at = Math.max(now, this.#next, this.#nextOfPod.get(pod) ?? 0);
    this.#next = Math.max(now, this.#next) + this.#interval;
    this.#nextOfPod.set(pod, at + perPodIntervalMs);
    if (at > now) await this.#effects.sleep(at - now);
  }
}

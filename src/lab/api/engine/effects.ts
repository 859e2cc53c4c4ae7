/** What the API server takes from the outside world: time and chance. Tests hand in their own. */
import { randomInt, randomUUID } from 'node:crypto';

export interface Effects {
  readonly now: () => Date;
  readonly uuid: () => string;
  /** A whole number from 0 up to, not including, `below`. */
  readonly random: (below: number) => number;
}

/** The machine's clock and generator. */
export const systemEffects: Effects = {
  now: () => new Date(),
  uuid: () => randomUUID(),
  random: (below) => randomInt(below),
};

/** RFC 3339 in whole seconds, as Kubernetes prints times. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

// Without vowels and look-alikes, so that no word appears by accident.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The five letters at the end of generated names. */
export function randomSuffix(effects: Effects, length = 5): string {
  return Array.from({ length }, () => alphabet[effects.random(alphabet.length)] ?? 'x').join('');
}

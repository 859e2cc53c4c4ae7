/** Readers of the values that the lab's flags take. */
import { PadlockError } from '../errors.ts';
import { type ScenarioName, scenarioNames } from '../lab/scenarios/names.ts';
import { parseDuration, parsePort } from './common-flags.ts';

/** @throws PadlockError `USAGE` */
export function parseLabPort(input: string): number {
  return input === '0' ? 0 : parsePort(input);
}

/** @throws PadlockError `USAGE` */
export function parseNodes(input: string): number {
  const nodes = Number(input);
  if (/^\d+$/.test(input) && nodes >= 1 && nodes <= 8) return nodes;
  throw new PadlockError('USAGE', `"${input}" is no number of nodes; the lab has 1 to 8`);
}

/** @returns seconds. @throws PadlockError `USAGE` below a second, or above ten years: the lab's root lives that long. */
export function parseCertTtl(input: string): number {
  const seconds = parseDuration(input) / 1000;
  if (seconds >= 1 && seconds <= tenYears) return Math.round(seconds);
  throw new PadlockError('USAGE', `"${input}": a certificate lives between a second and ten years`);
}

const tenYears = 10 * 365 * 86_400;

/**
 * Reads `MIN..MAX`, two durations.
 * @returns milliseconds
 * @throws PadlockError `USAGE`
 */
export function parsePropagation(input: string): { readonly min: number; readonly max: number } {
  const [first, last, ...rest] = input.split('..');
  if (first === undefined || last === undefined || rest.length > 0) {
    throw new PadlockError('USAGE', `"${input}" is no range of delays; write it like 100ms..2s`);
  }
  const range = { min: parseDuration(first), max: parseDuration(last) };
  if (range.min > range.max) throw new PadlockError('USAGE', `"${input}" begins after its end`);
  if (range.max > longestDelay) throw new PadlockError('USAGE', `"${input}": no proxy waits longer than 10m`);
  return range;
}

const longestDelay = 600_000;

/** @throws PadlockError `USAGE` */
export function parseSeed(input: string): number {
  const seed = Number(input);
  if (/^\d+$/.test(input) && seed <= 0xffff_ffff) return seed;
  throw new PadlockError('USAGE', `"${input}" is no seed; a seed is a whole number below 2^32`);
}

export { scenarioNames };

/** @throws PadlockError `USAGE` */
export function parseScenario(input: string): ScenarioName {
  const found = scenarioNames.find((name) => name === input);
  if (found !== undefined) return found;
  throw new PadlockError('USAGE', `"${input}" is no scenario; there are ${scenarioNames.join(', ')}`);
}

/** What a watch keeps over its restarts: the facts that it told, and how far it has read. Plain JSON, no secrets. */
import { PadlockError } from '../../errors.ts';
import { asNumber, asObject, asTextMap, isObject } from '../../sources/json-value.ts';
import type { Source } from './fact.ts';

export interface WatchState {
  /** What it was told about: another cluster's or another scope's facts say nothing here. */
  readonly scope: string;
  readonly round: number;
  readonly facts: Readonly<Record<Source, Readonly<Record<string, string>> | null>>;
  readonly logs: Readonly<Record<string, string>>;
  readonly counters: Readonly<Record<string, number>>;
}

/** Where it is kept. */
export interface StateStore {
  /** Undefined where there is none yet. */
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

export function emptyState(scope: string): WatchState {
  return { scope, round: 0, facts: { mesh: null, proxies: null, traffic: null }, logs: {}, counters: {} };
}

/** @throws PadlockError `INPUT_INVALID` where the text is no state; `USAGE` where it is another scope's */
export function parseState(text: string, scope: string): WatchState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PadlockError('INPUT_INVALID', 'the saved state of the watch is no JSON', {
      hint: 'remove it to begin anew',
      cause,
    });
  }
  const read = asObject(value);
  if (read.scope !== scope) {
    throw new PadlockError(
      'USAGE',
      `the saved state is of "${String(read.scope)}", this watch is of "${scope}"`,
      {
        hint: 'name another --state, or remove it',
      },
    );
  }
  const facts = asObject(read.facts);
  const of = (source: Source) => (isObject(facts[source]) ? asTextMap(facts[source]) : null);
  const counters = Object.entries(asObject(read.counters)).flatMap(([name, count]) => {
    const number = asNumber(count);
    return number === undefined ? [] : [[name, number] as const];
  });
  return {
    scope,
    round: asNumber(read.round) ?? 0,
    facts: { mesh: of('mesh'), proxies: of('proxies'), traffic: of('traffic') },
    logs: asTextMap(read.logs),
    counters: Object.fromEntries(counters),
  };
}

/** Flags of the commands that drive a rollout: `secure`, `rollout resume` and `rollout abort`. */
import type { FlagParametersForType } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import type { MaxErrors } from '../../rollout/plan.ts';
import { parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface DriveFlags {
  readonly yes?: boolean;
  /** In milliseconds; absent: 60 s, or what the rollout began with. */
  readonly observe?: number;
  /** Absent: none, or what the rollout began with. */
  readonly maxErrors?: MaxErrors;
  readonly acceptInconclusive?: boolean;
  readonly probePods?: boolean;
  readonly probeImage: string;
  /** In milliseconds. */
  readonly timeout: number;
  readonly output: 'text' | 'json';
}

export const driveFlags = {
  yes: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'do not ask before the first write',
  },
  observe: {
    kind: 'parsed',
    parse: parseDuration,
    optional: true,
    brief: 'watch live traffic so long before STRICT (default 60s; 0 for not at all)',
    placeholder: 'TIME',
  },
  maxErrors: {
    kind: 'parsed',
    parse: parseMaxErrors,
    optional: true,
    brief: 'requests of one step that may fail beyond what failed before, as 5 or 0.1% (default 0)',
    placeholder: 'N|N%',
  },
  acceptInconclusive: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'go on where a proof comes out neither way',
  },
  probePods: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'prove from two short-lived pods, where no container has curl',
  },
  probeImage: {
    kind: 'parsed',
    parse: (input: string): string => input,
    default: 'curlimages/curl:8.16.0',
    brief: 'image of the probe pods; any with curl and sleep',
    placeholder: 'IMAGE',
  },
  timeout: {
    kind: 'parsed',
    parse: parseDuration,
    default: '10m',
    brief: 'longest time for one workload to roll out',
    placeholder: 'TIME',
  },
  output: {
    kind: 'enum',
    values: ['text', 'json'],
    default: 'text',
    brief: 'how to print it; json is one event a line',
  },
} as const satisfies FlagParametersForType<DriveFlags, Context>;

/**
 * Reads `5` or `0.1%`.
 * @throws PadlockError `USAGE`
 */
export function parseMaxErrors(input: string): MaxErrors {
  const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(input);
  const value = Number(found?.[1]);
  const percent = found?.[2] === '%';
  if (found === null || (percent ? value > 100 : !Number.isInteger(value))) {
    throw new PadlockError('USAGE', `"${input}" is no number of errors; write it like 5 or 0.1%`);
  }
  return { kind: percent ? 'percent' : 'count', value };
}

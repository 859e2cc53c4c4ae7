/** When a read is tried again, and after how long: exponential back-off with full jitter, or what Retry-After says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { socketErrorCode } from './status.ts';

const maxAttempts = 5;
const firstWaitMs = 200;
const maxWaitMs = 10_000;
/** A server that asks for more patience than this is not waited for. */
const maxRetryAfterMs = 30_000;

const transientStatus: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const transientSocket: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);

/**
 * @param attempt 1 for the wait after the first try
 * @returns how long to wait before the next try; undefined: do not try again
 */
export function waitBeforeRetry(
  attempt: number,
  outcome: { readonly status: number; readonly retryAfter: string | undefined } | { readonly error: unknown },
  random: () => number,
  now: number,
): number | undefined {
  if (attempt >= maxAttempts) return undefined;
  const backOff = Math.min(maxWaitMs, firstWaitMs * 2 ** (attempt - 1)) * random();
  if ('error' in outcome) {
    return transientSocket.has(socketErrorCode(outcome.error) ?? '') ? backOff : undefined;
  }
  if (!transientStatus.has(outcome.status)) return undefined;
  const asked = parseRetryAfter(outcome.retryAfter, now);
  if (asked === undefined) return backOff;
  // A little apart from the others whom the server told the same second.
  return asked > maxRetryAfterMs ? undefined : asked + backOff;
}

/** Reads Retry-After: seconds or a date (RFC 9110, section 10.2.3). */
function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits; rejects with the signal's reason when it is aborted first. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

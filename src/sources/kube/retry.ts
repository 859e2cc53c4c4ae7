/** When a request is tried again, and after how long: exponential back-off with full jitter, or what Retry-After says. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawResponse } from '../cluster.ts';
import { socketErrorCode } from './status.ts';

const maxAttempts = 5;
/** As often as client-go asks a server that is too busy: it has not begun what it refuses. */
const maxBusyAttempts = 10;
const firstWaitMs = 200;
const maxWaitMs = 10_000;
/** A server that asks for more patience than this is not waited for. */
const maxRetryAfterMs = 30_000;

const transientStatus: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const transientSocket: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);

export type Outcome =
  | { readonly status: number; readonly retryAfter: string | undefined }
  | { readonly error: unknown };

/**
 * @param attempt 1 for the wait after the first try
 * @returns how long to wait before the next try; undefined: do not try again
 */
export function waitBeforeRetry(
  attempt: number,
  outcome: Outcome,
  random: () => number,
  now: number,
): number | undefined {
  const isBusy = 'status' in outcome && outcome.status === 429;
  if (attempt >= (isBusy ? maxBusyAttempts : maxAttempts)) return undefined;
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

/** What a pod, service or node answers through the API server's proxy. */
const proxied = /^\/api\/v1\/(namespaces\/[^/]+\/(pods|services)|nodes)\/[^/]+\/proxy(\/|\?|$)/;

export function isProxied(path: string): boolean {
  return proxied.test(path);
}

/**
 * Whether the API server itself asks for another try of a request that may be a write: it refuses before it begins (429), or says
 * when to come again (5xx with Retry-After), as client-go takes it.
 */
export function asksForRetry({ status, headers, body }: RawResponse, path: string): boolean {
  if (isProxied(path)) {
    // API priority and fairness has this one text (apiserver/pkg/server/filters); any other 429 may be the pod's own.
    return status === 429 && body.startsWith('Too many requests, please try again later');
  }
  return status === 429 || (status >= 500 && headers['retry-after'] !== undefined);
}

/** Reads Retry-After: seconds or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits that grow from failure to failure, and are spread: what failed together does not come back together. */
export class BackOff {
  readonly #first: number;
  readonly #last: number;
  readonly #random: () => number;
  #next: number;

  constructor(firstMs: number, lastMs: number, random: () => number = Math.random) {
    this.#first = firstMs;
    this.#last = lastMs;
    this.#random = random;
    this.#next = firstMs;
  }

  /** @returns milliseconds: from half of the full wait to all of it */
  wait(): number {
    const full = this.#next;
    this.#next = Math.min(this.#last, full * 2);
    return full * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#next = this.#first;
  }
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

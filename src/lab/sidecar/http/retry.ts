/** Envoy's retry policy: what may be tried again, and after how long (x-envoy-retry-on in Envoy's documentation). */
import type { RetryPolicy } from '../config/route.ts';
import { ConnectFailure } from '../upstream/connect-failure.ts';
import type { UpstreamReset } from './upstream-stream.ts';

const baseDelayMs = 25;
const maxDelayMs = 250;

/** @returns whether the policy names this kind of failure. A response, whatever its status, is none. */
export function isRetriable(
  policy: RetryPolicy | undefined,
  failure: ConnectFailure | UpstreamReset,
): boolean {
  if (policy === undefined) return false;
  const conditions = new Set(policy.retry_on.split(',').map((condition) => condition.trim()));
  if (conditions.has('reset') || conditions.has('5xx') || conditions.has('gateway-error')) return true;
  if (failure instanceof ConnectFailure) {
    return conditions.has('connect-failure') || conditions.has('reset-before-request');
  }
  if (failure.resetReason === 'remote refused stream reset') return conditions.has('refused-stream');
  // The request cannot have been read where an idle connection turned out to be closed.
  return conditions.has('reset-before-request') && failure.onReusedConnection;
}

/** Fully jittered exponential back-off from 25 ms, at most ten times that. */
export function retryDelayMs(attempt: number, random: () => number): number {
  return Math.floor(random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)));
}

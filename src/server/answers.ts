/** Responses, each with the headers that keep the page to itself. */
import { PadlockError } from '../errors.ts';
import type { ErrorView } from './wire.ts';

/** No inline script or style, nothing from or to any other host, in no frame. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const always = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
} as const;

/** Any answer; what is in `headers` comes on top of what every answer has. */
export function answer(
  status: number,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, { status, headers: { ...always, ...headers } });
}

export function json(value: unknown, status = 200): Response {
  return answer(status, JSON.stringify(value), { 'content-type': 'application/json; charset=utf-8' });
}

export function refusal(status: number, error: string, hint?: string): Response {
  return json({ error, ...(hint === undefined ? {} : { hint }) } satisfies ErrorView, status);
}

/** An expected mistake is told to the page; anything else is a bug and is thrown on. */
export function refusalFor(thrown: unknown): Response {
  if (!(thrown instanceof PadlockError)) throw thrown;
  const status =
    thrown.code === 'NAMESPACE_NOT_FOUND' || thrown.code === 'WORKLOAD_NOT_FOUND'
      ? 404
      : thrown.code === 'CLUSTER_FORBIDDEN'
        ? 403
        : 502;
  return refusal(status, thrown.message, thrown.hint);
}

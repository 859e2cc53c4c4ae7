/** Who drives a rollout, for the Lease: enough for a colleague to know whom to ask. */
import { hostname } from 'node:os';
import type { Context } from '../context.ts';

/** @returns `alice@laptop-3f9c1a`: user, machine, and a part of its own for each run. */
export function leaseHolder(context: Context): string {
  const user = context.env.USER ?? context.env.USERNAME ?? 'someone';
  return `${user}@${hostname()}-${context.nonce()}`;
}

/** A dashboard in this process, for tests: on a cluster or on a snapshot. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAssets } from '../../src/server/assets.ts';
import { type Dashboard, type DashboardOptions, startDashboard } from '../../src/server/dashboard.ts';
import type { Source } from '../../src/server/source.ts';

export const clock = {
  now: () => Date.now(),
  sleep: (milliseconds: number, signal?: AbortSignal) =>
    sleep(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

export interface TestDashboard extends Dashboard {
  /** Bugs that requests met; empty in a good test. */
  readonly errors: readonly unknown[];
}

export async function serveDashboard(
  source: Source,
  options: Partial<DashboardOptions> = {},
): Promise<TestDashboard> {
  const errors: unknown[] = [];
  const dashboard = await startDashboard({
    source,
    assets: readAssets(resolve(import.meta.dirname, '..', '..', 'dist', 'ui')),
    port: 0,
    allowChanges: false,
    version: '0.0.0-test',
    clock,
    nonce: () => Math.random().toString(36).slice(2, 10),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { ...dashboard, errors };
}

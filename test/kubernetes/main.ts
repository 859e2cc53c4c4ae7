/**
 * `npm run test:kubernetes`: builds a real Kubernetes control plane where it is not built yet, and runs the suite that
 * holds the lab and Padlock to it.
 *
 *   --budget MINUTES   give the build no more than this; where it is not done by then, say so and end with 0
 *   --existing         run on the cluster of KUBECONFIG instead (see docs/testing-on-kubernetes.md)
 *   --record           write the real server's answers down, for the tests that need no real server
 *
 * Other arguments go to vitest: a part of a file's name, -t NAME.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.ts';

const root = join(import.meta.dirname, '..', '..');

const { values, positionals } = parseArgs({
  options: {
    budget: { type: 'string' },
    existing: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    testNamePattern: { type: 'string', short: 't' },
  },
  allowPositionals: true,
});

function log(line: string): void {
  process.stderr.write(`test:kubernetes: ${line}\n`);
}

class UsageError extends Error {
  override readonly name = 'UsageError';
}

function milliseconds(minutes: string | undefined): number {
  if (minutes === undefined) return Number.POSITIVE_INFINITY;
  const number = Number(minutes);
  if (!Number.isFinite(number) || number < 0)
    throw new UsageError(`--budget takes minutes, not "${minutes}"`);
  return number * 60_000;
}

function environment(): NodeJS.ProcessEnv {
  const { KUBECONFIG, ...env } = process.env;
  env.PADLOCK_REAL_KUBERNETES = '1';
  if (values.record) env.PADLOCK_RECORD = '1';
  if (!values.existing) return env;
  if (KUBECONFIG === undefined || KUBECONFIG === '' || KUBECONFIG.includes(':')) {
    throw new UsageError('--existing runs on the cluster of KUBECONFIG, which must name one file');
  }
  return { ...env, PADLOCK_TEST_KUBECONFIG: KUBECONFIG };
}

async function main(): Promise<number> {
  const env = environment();
  if (!values.existing && !(await build(milliseconds(values.budget), log))) {
    log(`SKIPPED: the control plane was not built within ${values.budget} minutes. Nothing was tested on a`);
    log('real API server. Run it again: Go keeps what is compiled, so the build goes on from there.');
    return 0;
  }
  const pattern = values.testNamePattern === undefined ? [] : ['-t', values.testNamePattern];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--root', root, '--config', config, ...pattern, ...positionals],
    { cwd: root, env, stdio: 'inherit' },
  );
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  log(error.message);
  process.exitCode = 2;
}

/**
 * `npm run test:mesh`: builds what a real mesh is made of where it is not there yet, starts one in a network namespace of
 * its own, and runs the tests that hold Padlock to it. Needs Linux and root, Go, pip, kubectl and iptables; no Docker.
 *
 *   --budget MINUTES   give building no more than this; where it is not done by then, say so and end with 0
 *   up                 start the mesh, and keep it until Ctrl-C; prints how to enter it
 *
 * Other arguments go to vitest: a part of a file's name, -t NAME.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Prepared, prepare } from './prepare.ts';

const root = join(import.meta.dirname, '..', '..');

const { values, positionals } = parseArgs({
  options: {
    budget: { type: 'string' },
    testNamePattern: { type: 'string', short: 't' },
  },
  allowPositionals: true,
});

function log(line: string): void {
  process.stderr.write(`test:mesh: ${line}\n`);
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

/** A network namespace without a way out, and namespaces of mounts and processes: nothing of the mesh outlives it. */
const apart = [
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--propagation=private',
  '--',
];

function words(): readonly string[] {
  if (positionals[0] === 'up') return [join(import.meta.dirname, 'up.ts')];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const pattern = values.testNamePattern === undefined ? [] : ['-t', values.testNamePattern];
  return [vitest, 'run', '--root', root, '--config', config, ...pattern, ...positionals];
}

function explain(prepared: Exclude<Prepared, 'ready'>): void {
  if (prepared === 'late') {
    log(
      `SKIPPED: the mesh was not built within ${values.budget} minutes. Nothing was tested on a real mesh.`,
    );
    log('Run it again: Go keeps what is compiled, so the build goes on from there.');
  } else log(`SKIPPED: ${prepared.missing}. Nothing was tested on a real mesh.`);
}

async function main(): Promise<number> {
  const prepared = await prepare(milliseconds(values.budget), log);
  if (prepared !== 'ready') {
    explain(prepared);
    return 0;
  }
  const child = spawn('unshare', [...apart, process.execPath, ...words()], { cwd: root, stdio: 'inherit' });
  // Ctrl-C reaches the whole group: the mesh takes itself down.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
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

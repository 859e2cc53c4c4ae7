/** `padlock demo`: a lab of its own, the story told in it, and everything gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitCode, PadlockError } from '../../errors.ts';
import { writePrivate } from '../../lab/daemon/write-private.ts';
import { startLab } from '../../lab/lab.ts';
import { paint } from '../../report/style.ts';
import type { Context } from '../context.ts';
import { offerDashboard } from './offer-dashboard.ts';
import { tellStory } from './story.ts';

export default async function demo(this: Context): Promise<void> {
  this.finishOnInterrupt();
  const { stdout, stderr, signal, clock } = this;
  const started = clock.now();
  const folder = mkdtempSync(join(tmpdir(), 'padlock-demo-'));
  const problems: string[] = [];
  const lab = await startLab({
    name: 'demo',
    path: this.env.PATH ?? '',
    // A real mesh lets old connections live 45 s longer; nobody would wait for that here.
    drainSeconds: 1,
    onProblem: (sentence, error) => problems.push(`${sentence}: ${String(error)}`),
  });
  try {
    await unlessInterrupted(signal, lab.whenReady());
    await stdout.write(
      `A mesh on this machine: ${seconds(clock.now() - started)}, no root, no containers.\n`,
    );
    const kubeconfig = join(folder, 'kubeconfig');
    writePrivate(kubeconfig, lab.kubeconfig);
    const cluster = await this.connect({ kubeconfig });
    const isGood = await tellStory(this, cluster);
    signal.throwIfAborted();
    if (!isGood) this.setExitCode(ExitCode.failed);
    // How long the page was looked at is not the demo's time.
    const took = clock.now() - started;
    await offerDashboard(this, cluster);
    await stdout.write(closing(this, isGood, took));
  } catch (error) {
    if (signal.aborted) throw new PadlockError('INTERRUPTED', 'interrupted; the demo’s mesh is gone again');
    throw error;
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
    for (const problem of problems) await stderr.write(`${problem}\n`);
  }
}

/** Rejects with the signal's reason when that comes first. */
function unlessInterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function closing({ program, env, stdout }: Context, isGood: boolean, milliseconds: number): string {
  const { color } = stdout;
  // In a checkout `npm run demo` knows of a padlock that the shell does not.
  const padlock = env.npm_lifecycle_event === undefined ? program : `npx ${program}`;
  const verdict = isGood
    ? `Done in ${seconds(milliseconds)}; the mesh is gone again.`
    : 'The demo did not end as it should; this is a bug in Padlock, or a machine that is too slow.';
  return `
${paint(verdict, isGood ? 'strong' : 'bad', color)}

What to try next:
${suggestions(padlock)}
`;
}

function suggestions(padlock: string): string {
  const rows = [
    [`eval "$(${padlock} lab up)"`, 'a mesh like this one, to keep'],
    ['kubectl get pods -n istio-system', 'it is a cluster to kubectl'],
    [`${padlock} posture -A`, 'what each port accepts'],
    [`${padlock} dashboard -A`, 'the same as a page'],
    [`${padlock} secure NAMESPACE --dry-run`, 'what it would do to yours'],
  ];
  const width = Math.max(...rows.map(([command = '']) => command.length));
  return rows.map(([command = '', why]) => `  ${command.padEnd(width)}  ${why}`).join('\n');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

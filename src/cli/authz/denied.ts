/** `padlock authz denied`: read twice, tell the difference. */
import { ExitCode } from '../../errors.ts';
import { observedCalls } from '../../evidence/authz/calls.ts';
import { dryRunsBetween, readDryRuns } from '../../evidence/authz/denied.ts';
import { uncovered } from '../../evidence/authz/uncovered.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { renderDenied } from '../../report/authz-text.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { AuthzDeniedFlags } from '../commands/authz.route.ts';
import type { Context } from '../context.ts';

export async function denied(this: Context, flags: AuthzDeniedFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const { signal, clock, stdout } = this;
  const effects = { cluster, signal, now: () => clock.now() };
  const readMesh = async () =>
    buildMesh(await readClusterSnapshot(cluster, { namespaces: [namespace], signal, needsIstio: true }));
  const began = clock.now();
  const before = await readDryRuns(await readMesh(), namespace, effects);
  await clock.sleep(flags.window, signal);
  const mesh = await readMesh();
  const after = await readDryRuns(mesh, namespace, effects);
  const calls = await observedCalls(mesh, namespace, began, effects);
  const counts = dryRunsBetween(before, after);
  const unread = [...new Set([...before.unread, ...after.unread])];
  const callers = uncovered(mesh, calls);
  await stdout.write(
    flags.output === 'json'
      ? `${JSON.stringify({ namespace, counts, callers, unread }, null, 2)}\n`
      : renderDenied({ namespace, counts, callers, unread }, { width: stdout.columns, color: stdout.color }),
  );
  const sum = counts.reduce((total, { denied: one }) => total + one, 0);
  const seen = counts.reduce((total, { allowed }) => total + allowed, sum);
  if (sum > 0) this.setExitCode(ExitCode.failed);
  else if (seen === 0 || unread.length > 0) this.setExitCode(ExitCode.inconclusive);
}

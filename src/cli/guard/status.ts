/** `padlock guard status`: read, judge, print. */
import { ExitCode } from '../../errors.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { guardHolds, renderGuardStatus } from '../../report/guard-text.ts';
import { guardStatus } from '../../rollout/guard/guard-status.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { GuardStatusFlags } from '../commands/guard.route.ts';
import type { Context } from '../context.ts';
import { guardEffects } from './effects.ts';

export async function status(this: Context, flags: GuardStatusFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const { signal, stdout, clock } = this;
  const snapshot = await readClusterSnapshot(cluster, { namespaces: [namespace], signal, needsIstio: true });
  const mesh = buildMesh(snapshot);
  const { clusterDomain } = mesh.config;
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  const options = { namespace, clusterDomain, maxExceptionDays: flags.maxExceptionDays };
  const found = await guardStatus(options, mesh, today, guardEffects(cluster, this));
  await stdout.write(
    flags.output === 'json'
      ? `${JSON.stringify(found, null, 2)}\n`
      : renderGuardStatus(found, { width: stdout.columns, color: stdout.color }),
  );
  this.setExitCode(guardHolds(found) ? ExitCode.ok : ExitCode.failed);
}

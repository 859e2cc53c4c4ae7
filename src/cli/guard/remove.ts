/** `padlock guard remove`. */
import { removeGuard } from '../../rollout/guard/install.ts';
import type { ClusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';
import { guardEffects } from './effects.ts';

export async function remove(this: Context, flags: ClusterFlags, namespace: string): Promise<void> {
  const cluster = await this.connect(flags);
  const count = await removeGuard(namespace, guardEffects(cluster, this));
  await this.stdout.write(
    count === 0
      ? `Namespace ${namespace} has no guard.\n`
      : `The guard of namespace ${namespace} is gone (${count} objects).\n`,
  );
}

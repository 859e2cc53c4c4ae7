/** The guard's effects, from the command's. */
import type { GuardEffects } from '../../rollout/guard/install.ts';
import type { Cluster } from '../../sources/cluster.ts';
import type { Context } from '../context.ts';

export function guardEffects(cluster: Cluster, { signal, clock }: Context): GuardEffects {
  return {
    cluster,
    signal,
    now: () => clock.now(),
    sleep: (milliseconds, until) => clock.sleep(milliseconds, until),
  };
}

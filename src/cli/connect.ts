/** From the flags `--kubeconfig`, `--context`, `--as` to a client for a cluster. */
import { PadlockError } from '../errors.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { ClusterFlags } from './common-flags.ts';

/** Throws `KUBECONFIG_INVALID`, `CONTEXT_UNKNOWN`. Sends no request. */
export async function connectTo(
  flags: ClusterFlags,
  _env: Readonly<Record<string, string | undefined>>,
): Promise<Cluster> {
  throw new PadlockError('CLUSTER_UNREACHABLE', `no client for ${flags.context ?? 'any cluster'} yet`);
}

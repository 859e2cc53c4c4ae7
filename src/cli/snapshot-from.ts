/** Reads what a command was pointed at: manifests with `-f`, otherwise the cluster. */
import { PadlockError } from '../errors.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import type { InputFlags } from './common-flags.ts';
import type { Context } from './context.ts';
import { readFiles } from './read-files.ts';

export interface Input {
  readonly snapshot: Snapshot;
  /** The namespaces that the answer is about; absent: all that were read. */
  readonly namespaces?: readonly string[];
}

/**
 * @param moreFiles files given as plain arguments, as a shell expands `-f k8s/*.yaml`
 * @throws PadlockError `USAGE` where files and a cluster's flags are mixed, and what reading throws
 */
export async function snapshotFrom(
  flags: InputFlags,
  context: Context,
  moreFiles: readonly string[] = [],
): Promise<Input> {
  const files = [...(flags.filename ?? []), ...moreFiles];
  if (flags.allNamespaces === true && flags.namespace !== undefined) {
    throw new PadlockError('USAGE', '--namespace and --all-namespaces contradict each other');
  }
  if (files.length > 0) {
    if (flags.context !== undefined || flags.kubeconfig !== undefined) {
      throw new PadlockError('USAGE', '-f reads files; --context and --kubeconfig have no meaning with it');
    }
    const snapshot = await readFiles(context, files);
    return { snapshot, ...(flags.namespace === undefined ? {} : { namespaces: [flags.namespace] }) };
  }
  const cluster = await context.connect(flags);
  const { readClusterSnapshot } = await import('../sources/cluster-snapshot.ts');
  const namespace = flags.namespace ?? cluster.defaultNamespace ?? 'default';
  const asked = flags.allNamespaces === true ? {} : { namespaces: [namespace] };
  const snapshot = await readClusterSnapshot(cluster, {
    ...asked,
    signal: context.signal,
    now: () => context.clock.now(),
    needsIstio: true,
  });
  return { snapshot, ...asked };
}

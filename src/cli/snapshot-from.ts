/** Reads what a command was pointed at: manifests with `-f`, otherwise the cluster. */
import { PadlockError } from '../errors.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import { namespaceNotFound } from '../sources/namespace-not-found.ts';
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
    const snapshot = await readFiles(context, files).catch((error: unknown) => {
      throw moreFiles.some(isNamespaceName) ? perhapsNamespace(error, moreFiles) : error;
    });
    if (flags.namespace === undefined) return { snapshot };
    return { snapshot: inNamespace(snapshot, flags.namespace), namespaces: [flags.namespace] };
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

/** Kinds that belong to no namespace, among those that manifests for a mesh hold. */
const clusterWide =
  /^(Namespace|Node|.*WebhookConfiguration|(Validating|Mutating)AdmissionPolicy(Binding)?|APIService|IngressClass|GatewayClass|CustomResourceDefinition|ClusterRole.*|PersistentVolume|StorageClass|PriorityClass)$/;

/**
 * As `kubectl apply -n NS -f FILE` takes it: what names no namespace is in this one.
 * @throws PadlockError `NAMESPACE_NOT_FOUND` where nothing is in it: an answer about nothing would look like a good one
 */
function inNamespace(snapshot: Snapshot, namespace: string): Snapshot {
  const objects = snapshot.objects.map((entry) => {
    const { kind, metadata } = entry.object;
    if (metadata.namespace !== undefined || clusterWide.test(kind)) return entry;
    return { ...entry, object: { ...entry.object, metadata: { ...metadata, namespace } } };
  });
  const known = new Set(
    objects.flatMap(({ object: { kind, metadata } }) =>
      kind === 'Namespace' ? [metadata.name] : metadata.namespace === undefined ? [] : [metadata.namespace],
    ),
  );
  if (!known.has(namespace)) throw namespaceNotFound(namespace, [...known], snapshot.source);
  return { ...snapshot, objects };
}

function isNamespaceName(word: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(word);
}

/** `padlock check shop`: other commands take the namespace as their argument, these take files. */
function perhapsNamespace(error: unknown, words: readonly string[]): unknown {
  if (!(error instanceof PadlockError) || error.code !== 'FILE_NOT_READABLE') return error;
  const word = words.find((one) => isNamespaceName(one) && error.message.startsWith(one));
  if (word === undefined) return error;
  return new PadlockError('FILE_NOT_READABLE', error.message, {
    hint: `for the namespace of a cluster say -n ${word}`,
    cause: error,
  });
}

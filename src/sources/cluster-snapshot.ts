/**
 * Reads a cluster into a Snapshot. What may not be read becomes an `unseen` entry, so that answers that rest on it can
 * say so; only a namespace that does not exist, or pods of the asked namespaces that may not be seen, end the reading.
 */
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import { compare } from '../istio/metadata.ts';
import type { Snapshot, Unseen } from '../mesh/snapshot.ts';
import type { Cluster, ResourceType } from './cluster.ts';
import { discover } from './discovery.ts';
import { namespaceNotFound } from './namespace-not-found.ts';
import { trimForSnapshot } from './snapshot-object.ts';
import {
  configMapsType,
  discoveredTypes,
  namespacedTypes,
  namespacesType,
  nodesType,
  podsType,
  resourceName,
  webhooksType,
} from './snapshot-types.ts';

export interface ClusterSnapshotOptions {
  /**
   * The namespaces that the question is about; absent: all. The others are read too where that is allowed, because
   * clients and policies of other namespaces decide what happens in these.
   */
  readonly namespaces?: readonly string[];
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Throw `ISTIO_NOT_FOUND` where Istio's kinds are not installed. */
  readonly needsIstio?: boolean;
}

const defaultRootNamespace = 'istio-system';

interface Reading {
  readonly cluster: Cluster;
  readonly asked: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly unseen: Unseen[];
}

/**
 * @throws PadlockError `NAMESPACE_NOT_FOUND`, `ISTIO_NOT_FOUND` (see `needsIstio`), `CLUSTER_FORBIDDEN` where not even
 *   the pods of the asked namespaces may be listed, and what a broken connection throws
 */
export async function readClusterSnapshot(
  cluster: Cluster,
  options: ClusterSnapshotOptions = {},
): Promise<Snapshot> {
  const { namespaces: asked, signal } = options;
  const reading: Reading = { cluster, asked, signal, unseen: [] };
  const [namespaces, served] = await Promise.all([
    readNamespaces(reading),
    discover(cluster, Object.keys(discoveredTypes), signal),
  ]);
  const istio = served.filter((type) => discoveredTypes[type.group]?.includes(type.plural) === true);
  if (options.needsIstio === true && !istio.some((type) => type.group === 'security.istio.io')) {
    throw new PadlockError('ISTIO_NOT_FOUND', `Istio is not installed in context ${cluster.context}`, {
      hint: 'install it (istio.io/latest/docs/setup), or try Padlock on "padlock lab up"',
    });
  }
  const lists = await Promise.all([
    ...[...namespacedTypes, ...istio].map((type) => readEverywhere(reading, type)),
    readClusterWide(reading, webhooksType, true),
    readClusterWide(reading, nodesType, false),
  ]);
  const read = [...namespaces, ...lists.flat()];
  const meshConfig = await readMeshConfig(reading, read);
  const origin = { source: `context ${cluster.context}` };
  return {
    source: origin.source,
    ...(options.now === undefined ? {} : { takenAt: new Date(options.now()).toISOString() }),
    objects: [...read, ...meshConfig].map((object) => ({ object: trimForSnapshot(object), origin })),
    unseen: inOrder(reading.unseen),
  };
}

/** Lists end in any order; what they could not see is told in one. */
function inOrder(unseen: readonly Unseen[]): readonly Unseen[] {
  const text = ({ namespace = '', resource }: Unseen): string => `${namespace} ${resource}`;
  return unseen.toSorted((a, b) => compare(text(a), text(b)));
}

/** Every namespace where listing is allowed, else the asked ones by name. */
async function readNamespaces(reading: Reading): Promise<readonly KubeObject[]> {
  const all = await allowed(() => listAll(reading, namespacesType));
  if ('items' in all) {
    const names = new Set(all.items.map((namespace) => namespace.metadata.name));
    const missing = reading.asked?.find((name) => !names.has(name));
    if (missing !== undefined) throw namespaceNotFound(missing, [...names]);
    return all.items;
  }
  if (reading.asked === undefined) throw all.refused;
  note(reading, namespacesType, undefined, all.refused);
  const found: KubeObject[] = [];
  for (const name of new Set([...reading.asked, defaultRootNamespace])) {
    const one = await allowed(async () => {
      const namespace = await reading.cluster.get(namespacesType, undefined, name);
      return namespace === undefined ? [] : [namespace];
    });
    if ('refused' in one) continue;
    if (one.items.length === 0 && reading.asked.includes(name)) throw namespaceNotFound(name, []);
    found.push(...one.items);
  }
  return found;
}

/** A namespaced type in all namespaces, or, where that is refused, in the asked ones and the root namespace. */
async function readEverywhere(reading: Reading, type: ResourceType): Promise<readonly KubeObject[]> {
  const all = await allowed(() => listAll(reading, type));
  if ('items' in all) return all.items;
  note(reading, type, undefined, all.refused);
  const found: KubeObject[] = [];
  for (const namespace of new Set([...(reading.asked ?? []), defaultRootNamespace])) {
    const one = await allowed(() => listAll(reading, type, namespace));
    if ('items' in one) {
      found.push(...one.items);
      continue;
    }
    if (type === podsType && reading.asked?.includes(namespace) === true) throw one.refused;
    note(reading, type, namespace, one.refused);
  }
  return found;
}

async function readClusterWide(
  reading: Reading,
  type: ResourceType,
  matters: boolean,
): Promise<readonly KubeObject[]> {
  const all = await allowed(() => listAll(reading, type));
  if ('items' in all) return all.items;
  if (matters) note(reading, type, undefined, all.refused);
  return [];
}

/** The mesh configuration (`istio`, `istio-REVISION`) and the root certificate, from wherever a control plane runs. */
async function readMeshConfig(reading: Reading, read: readonly KubeObject[]): Promise<readonly KubeObject[]> {
  const roots = read
    .filter((object) => object.kind === 'Pod' && object.metadata.labels?.app === 'istiod')
    .map((pod) => pod.metadata.namespace)
    .filter((namespace) => namespace !== undefined);
  const places = new Set(roots.length === 0 ? [defaultRootNamespace] : roots);
  const lists = await Promise.all([...places].map((namespace) => configMapsOf(reading, namespace)));
  return lists.flat().filter((object) => object.metadata.name.startsWith('istio'));
}

async function configMapsOf(reading: Reading, namespace: string): Promise<readonly KubeObject[]> {
  const list = await allowed(() => listAll(reading, configMapsType, namespace));
  if ('items' in list) return list.items;
  // Reading the one that matters by its name needs less than listing all of them.
  const one = await allowed(async () => {
    const object = await reading.cluster.get(configMapsType, namespace, 'istio');
    return object === undefined ? [] : [object];
  });
  if ('items' in one) return one.items;
  note(reading, configMapsType, namespace, one.refused);
  return [];
}

async function listAll(
  reading: Reading,
  type: ResourceType,
  namespace?: string,
): Promise<readonly KubeObject[]> {
  const { items } = await reading.cluster.list(type, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(reading.signal === undefined ? {} : { signal: reading.signal }),
  });
  return items;
}

/** Runs a read; a refusal by RBAC is an answer, anything else is thrown. A kind that is not served has no objects. */
async function allowed(
  read: () => Promise<readonly KubeObject[]>,
): Promise<{ readonly items: readonly KubeObject[] } | { readonly refused: PadlockError }> {
  try {
    return { items: await read() };
  } catch (error) {
    if (!(error instanceof PadlockError)) throw error;
    if (error.code === 'CLUSTER_FORBIDDEN') return { refused: error };
    if (error.code === 'CLUSTER_NOT_FOUND') return { items: [] };
    throw error;
  }
}

function note(
  reading: Reading,
  type: ResourceType,
  namespace: string | undefined,
  refused: PadlockError,
): void {
  reading.unseen.push({
    resource: resourceName(type),
    ...(namespace === undefined ? {} : { namespace }),
    reason: refused.message,
  });
}

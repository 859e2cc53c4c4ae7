/** Watches of the resources that the mesh is made of, taken up again whenever they end. */
import { PadlockError } from '../errors.ts';
import { recordName } from '../rollout/record.ts';
import type { Cluster, ResourceType, WatchEvent } from '../sources/cluster.ts';
import { discover } from '../sources/discovery.ts';
import { asText, dig } from '../sources/json-value.ts';
import { listQuery, resourcePath } from '../sources/kube/resource-path.ts';
import { BackOff } from '../sources/kube/retry.ts';
import { errorForStatus } from '../sources/kube/status.ts';
import {
  configMapsType,
  discoveredTypes,
  namespacedTypes,
  namespacesType,
} from '../sources/snapshot-types.ts';
import type { Clock } from './cluster-source.ts';

export interface WatchedType extends ResourceType {
  readonly fieldSelector?: string;
  /** Its changes are also found by reading from time to time: not being allowed to watch it costs no more than that. */
  readonly optional?: boolean;
}

/** Owners in between: whatever changes them changes their pods too. */
const unwatched: ReadonlySet<string> = new Set(['replicasets', 'jobs', 'cronjobs']);
const istioPlurals: ReadonlySet<string> = new Set([
  'peerauthentications',
  'authorizationpolicies',
  'destinationrules',
  'virtualservices',
  'serviceentries',
  'sidecars',
  'gateways',
  'requestauthentications',
  'envoyfilters',
  'workloadentries',
]);

/** @throws PadlockError where the API server cannot be asked what it serves */
export async function watchedTypes(cluster: Cluster, signal: AbortSignal): Promise<readonly WatchedType[]> {
  const served = await discover(cluster, ['security.istio.io', 'networking.istio.io'], signal);
  return [
    namespacesType,
    ...namespacedTypes.filter(({ plural }) => !unwatched.has(plural)),
    ...served.filter(
      ({ group, plural }) => istioPlurals.has(plural) && discoveredTypes[group]?.includes(plural) === true,
    ),
    { ...configMapsType, fieldSelector: `metadata.name=${recordName}`, optional: true },
    { ...configMapsType, fieldSelector: 'metadata.name=istio', optional: true },
  ];
}

export interface WatchOptions {
  readonly namespaces: readonly string[] | undefined;
  /** Its policies hold everywhere. */
  readonly rootNamespace: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly onEvent: (event: WatchEvent) => void;
  /** The watch was interrupted: something may have been missed. */
  readonly onGap: () => void;
  /** The type may not be watched, not even in the asked namespaces. */
  readonly onRefused: () => void;
}

const firstAgainMs = 1_000;
const lastAgainMs = 30_000;

/** Watches everywhere, or, where that is refused, in the asked namespaces, until the signal. */
export async function watchForever(
  cluster: Cluster,
  type: WatchedType,
  options: WatchOptions,
): Promise<void> {
  if ((await watchIn(cluster, type, undefined, options)) !== 'refused') return;
  const asked = type.namespaced ? (options.namespaces ?? []) : [];
  const holdsEverywhere = type.group.endsWith('istio.io') || type.plural === 'configmaps';
  const namespaces = new Set(asked.length > 0 && holdsEverywhere ? [...asked, options.rootNamespace] : asked);
  if (namespaces.size === 0) return options.onRefused();
  await Promise.all(
    [...namespaces].map(async (namespace) => {
      if ((await watchIn(cluster, type, namespace, options)) === 'refused') options.onRefused();
    }),
  );
}

async function watchIn(
  cluster: Cluster,
  type: WatchedType,
  namespace: string | undefined,
  options: WatchOptions,
): Promise<'refused' | 'ended'> {
  const { signal, clock, onEvent, onGap } = options;
  const list = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(type.fieldSelector === undefined ? {} : { fieldSelector: type.fieldSelector }),
    signal,
  };
  const backOff = new BackOff(firstAgainMs, lastAgainMs);
  let version: string | undefined;
  for (let first = true; !signal.aborted; first = false) {
    try {
      if (version === undefined) {
        version = await currentVersion(cluster, type, list);
        if (!first) onGap();
      }
      for await (const event of cluster.watch(type, version, list)) {
        // 410 Gone: the version is too old, a new list is needed.
        if (event.type === 'ERROR') {
          version = undefined;
          break;
        }
        backOff.reset();
        version = event.object.metadata.resourceVersion ?? version;
        onEvent(event);
      }
    } catch (error) {
      version = undefined;
      if (signal.aborted) break;
      if (!(error instanceof PadlockError)) throw error;
      if (error.code === 'CLUSTER_FORBIDDEN') return 'refused';
      // A kind that is not served any more, or an API server that is away: the reading says so; this one tries again.
    }
    if (!signal.aborted) await clock.sleep(backOff.wait(), signal).catch(ignoreWhen(signal));
  }
  return 'ended';
}

function ignoreWhen(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** Where a watch is to begin; one object is asked for, because the version is all that is wanted. */
async function currentVersion(
  cluster: Cluster,
  type: WatchedType,
  list: { readonly namespace?: string; readonly fieldSelector?: string; readonly signal: AbortSignal },
): Promise<string> {
  const path = `${resourcePath(type, list.namespace)}?${listQuery(list, { limit: '1' })}`;
  const answer = await cluster.raw({ method: 'GET', path, signal: list.signal });
  if (answer.status !== 200) {
    const asked = { verb: 'list', group: type.group, resource: type.plural, namespace: list.namespace };
    throw errorForStatus(answer.status, answer.body, asked, cluster.context);
  }
  return asText(dig(JSON.parse(answer.body), 'metadata', 'resourceVersion')) ?? '';
}

/** Puts the rehearsal into the cluster, waits until the proxies have it, and takes it away again whatever happens. */
import { PadlockError } from '../../errors.ts';
import { AdminReader } from '../../evidence/proxy/admin.ts';
import type { ProxyPod } from '../../evidence/proxy/pods.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Cluster, ResourceType } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { resourcePath } from '../../sources/kube/resource-path.ts';
import { errorForStatus, statusMessage } from '../../sources/kube/status.ts';
import { rehearsalIn } from './loaded.ts';
import { isLeftOver, leftBy, type RunMark, rehearsalName, rehearsalPolicy } from './policy.ts';

export const policyType: ResourceType = {
  group: 'security.istio.io',
  version: 'v1',
  plural: 'authorizationpolicies',
  namespaced: true,
};

export interface RehearsalEffects {
  readonly cluster: Cluster;
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly run: RunMark;
  /** Of a process on this machine. */
  readonly alive: (pid: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Proxies that have it, by `NAMESPACE/NAME`, and why it is not known of others. */
export interface Rehearsed {
  readonly loaded: ReadonlySet<string>;
  readonly notLoaded: ReadonlyMap<string, string>;
}

const loadedWithinMs = 60_000;
const pollMs = 300;
/** How long after its window a policy counts as left over on other machines. */
const graceMs = 5 * 60_000;

/**
 * Runs `use` while the rehearsal is in place.
 * @returns what `use` returns, and whether the policy was still the same at the end
 * @throws PadlockError `CLUSTER_CONFLICT` where another run rehearses, `CLUSTER_FORBIDDEN`, `REHEARSAL_ENFORCED`
 */
export async function withRehearsal<Result>(
  namespace: string,
  pods: readonly ProxyPod[],
  windowMs: number,
  effects: RehearsalEffects,
  use: (rehearsed: Rehearsed) => Promise<Result>,
): Promise<{ readonly result: Result; readonly undisturbed: boolean }> {
  await removeLeftOver(namespace, effects);
  const uid = await create(namespace, windowMs, effects);
  let result: Result;
  try {
    result = await use(await waitLoaded(namespace, pods, effects));
  } catch (error) {
    await remove(effects.cluster, namespace, uid);
    throw error;
  }
  return { result, undisturbed: await remove(effects.cluster, namespace, uid) };
}

/** @returns what was removed, in words; undefined where there was nothing. @throws `CLUSTER_CONFLICT` while another run rehearses */
export async function removeLeftOver(
  namespace: string,
  effects: RehearsalEffects,
): Promise<string | undefined> {
  const present = await effects.cluster.get(policyType, namespace, rehearsalName);
  if (present === undefined) return undefined;
  if (!isLeftOver(present, effects.run, effects.now(), effects.alive)) throw busy(namespace, present);
  await remove(effects.cluster, namespace, present.metadata.uid ?? '');
  return `removed the dry run that ${leftBy(present)} had left in ${namespace}`;
}

function busy(namespace: string, present: KubeObject): PadlockError {
  return new PadlockError('CLUSTER_CONFLICT', `${leftBy(present)} rehearses STRICT in ${namespace} now`, {
    hint: `wait for it; or, where it is gone: kubectl delete authorizationpolicy -n ${namespace} ${rehearsalName}`,
  });
}

async function create(namespace: string, windowMs: number, effects: RehearsalEffects): Promise<string> {
  const until = effects.now() + windowMs + loadedWithinMs + graceMs;
  const policy = rehearsalPolicy(namespace, effects.run, until);
  const answer = await effects.cluster.raw({
    method: 'POST',
    path: `${resourcePath(policyType, namespace)}?fieldManager=padlock`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(policy),
    ...(effects.signal === undefined ? {} : { signal: effects.signal }),
  });
  if (answer.status >= 300) {
    const asked = { verb: 'create', group: policyType.group, resource: policyType.plural, namespace };
    throw errorForStatus(answer.status, answer.body, asked, effects.cluster.context);
  }
  const created = JSON.parse(answer.body) as KubeObject;
  return created.metadata.uid ?? '';
}

/** Without the run's signal: the policy must go even after Ctrl-C. @returns false where it was gone, or another's, already */
async function remove(cluster: Cluster, namespace: string, uid: string): Promise<boolean> {
  const request = {
    method: 'DELETE',
    // Deleted twice is deleted once: the uid says which one is meant.
    retry: 'read',
    path: resourcePath(policyType, namespace, rehearsalName),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(uid === '' ? {} : { preconditions: { uid } }),
    }),
  } as const;
  const answer = await cluster.raw(request);
  if (answer.status < 300) return true;
  if (answer.status === 404 || answer.status === 409) return false;
  throw new PadlockError(
    'CLUSTER_REQUEST_FAILED',
    `the dry run ${namespace}/${rehearsalName} could not be removed: ${statusMessage(answer.body)}`,
    { hint: `it refuses nobody; kubectl delete authorizationpolicy -n ${namespace} ${rehearsalName}` },
  );
}

async function waitLoaded(
  namespace: string,
  pods: readonly ProxyPod[],
  effects: RehearsalEffects,
): Promise<Rehearsed> {
  const admin = new AdminReader(effects.cluster, effects.signal);
  const deadline = effects.now() + loadedWithinMs;
  const loaded = new Set<string>();
  const notLoaded = new Map<string, string>();
  let pending = pods;
  for (;;) {
    const looks = await mapLimited(pending, 8, async (pod) => ({
      pod,
      state: await look(admin, namespace, pod),
    }));
    for (const { pod, state } of looks) {
      const key = `${pod.namespace}/${pod.name}`;
      if (state === 'enforced') throw enforced(namespace);
      if (state === 'shadow') loaded.add(key);
      else if (typeof state === 'object') notLoaded.set(key, state.unread);
    }
    pending = looks.filter(({ state }) => state === 'absent').map(({ pod }) => pod);
    if (pending.length === 0 || effects.now() > deadline) break;
    await effects.sleep(pollMs);
  }
  for (const pod of pending) {
    notLoaded.set(
      `${pod.namespace}/${pod.name}`,
      `its proxy did not load the dry run within ${loadedWithinMs / 1000} s`,
    );
  }
  return { loaded, notLoaded };
}

async function look(
  admin: AdminReader,
  namespace: string,
  pod: ProxyPod,
): Promise<'absent' | 'shadow' | 'enforced' | { readonly unread: string }> {
  const answer = await admin.get(pod.namespace, pod.name, '/config_dump');
  if (!answer.ok)
    return { unread: `whether it has loaded the dry run is not known: ${answer.reasons.join('; ')}` };
  try {
    return rehearsalIn(JSON.parse(answer.text), namespace);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { unread: 'its config dump is no JSON' };
  }
}

function enforced(namespace: string): PadlockError {
  return new PadlockError(
    'REHEARSAL_ENFORCED',
    `this control plane enforces the dry run in ${namespace} instead of counting it; it was taken away at once`,
    {
      hint: 'plan without --shadow; the annotation istio.io/dry-run needs Istio 1.12 or newer with sidecars',
    },
  );
}

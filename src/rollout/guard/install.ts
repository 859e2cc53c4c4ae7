/** Puts a guard in place, tries it, and takes it away. */
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Cluster, RawResponse, ResourceType } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import { resourcePath } from '../../sources/kube/resource-path.ts';
import { type GuardOptions, guardLabel, guardManifests } from './guard-policies.ts';

export interface GuardEffects {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

const group = 'admissionregistration.k8s.io';
export const policyType: ResourceType = {
  group,
  version: 'v1',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
};
export const bindingType: ResourceType = {
  group,
  version: 'v1',
  plural: 'validatingadmissionpolicybindings',
  namespaced: false,
};

/** How long the API server may take to notice new policies; a second is usual. */
const liveWithinMs = 30_000;

/**
 * Applies policies and bindings (server-side apply), then tries a weak PeerAuthentication as a dry run until the API
 * server answers as the guard wants it: a policy that is stored is not yet one that is asked.
 * @throws PadlockError `CLUSTER_*`; `GUARD_NOT_LIVE` where the API server never asks it
 */
export async function installGuard(options: GuardOptions, effects: GuardEffects): Promise<void> {
  // The tried policy comes last, so that the others are known when it answers.
  const [policy, binding, ...rest] = guardManifests(options);
  for (const manifest of [...rest, policy, binding]) {
    if (manifest !== undefined) await apply(manifest, effects);
  }
  const deadline = effects.now() + liveWithinMs;
  while (!(await isLive(options, effects))) {
    if (effects.now() >= deadline) {
      throw new PadlockError(
        'GUARD_NOT_LIVE',
        `the guard of namespace ${options.namespace} is stored, but the API server let a weak PeerAuthentication pass (as a dry run)`,
        { hint: 'look at the status of the validatingadmissionpolicies with the label padlock.dev/guard' },
      );
    }
    await effects.sleep(200, effects.signal);
  }
}

async function isLive({ namespace, action }: GuardOptions, effects: GuardEffects): Promise<boolean> {
  const type: ResourceType = {
    group: 'security.istio.io',
    version: 'v1',
    plural: 'peerauthentications',
    namespaced: true,
  };
  const answer = await effects.cluster.raw({
    method: 'POST',
    path: `${resourcePath(type, namespace)}?dryRun=All`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'padlock-guard-trial', namespace },
      spec: { mtls: { mode: 'PERMISSIVE' } },
    }),
    signal: effects.signal,
  });
  const name = `padlock-guard.${namespace}.`;
  if (action === 'audit') return (answer.headers.warning ?? '').includes(name);
  if (answer.status === 403 && messageOf(answer).includes(name)) return true;
  if (answer.status < 300) return false;
  throw new PadlockError(
    answer.status === 403 ? 'CLUSTER_FORBIDDEN' : 'CLUSTER_REQUEST_FAILED',
    `the guard is installed, but cannot be tried: ${messageOf(answer) || `HTTP ${answer.status}`}`,
    { hint: 'it needs the right to create peerauthentications in the namespace; only a dry run is sent' },
  );
}

async function apply(manifest: KubeObject, effects: GuardEffects): Promise<void> {
  const type = manifest.kind === 'ValidatingAdmissionPolicy' ? policyType : bindingType;
  const answer = await effects.cluster.raw({
    method: 'PATCH',
    path: `${resourcePath(type, undefined, manifest.metadata.name)}?fieldManager=padlock&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' },
    body: JSON.stringify(manifest),
    signal: effects.signal,
  });
  if (answer.status >= 300) throw refused(`apply ${manifest.kind} ${manifest.metadata.name}`, answer);
}

/** Removes what has the guard's label: bindings first, so that no binding is left without its policy. @returns how many objects */
export async function removeGuard(namespace: string, effects: GuardEffects): Promise<number> {
  let removed = 0;
  for (const type of [bindingType, policyType]) {
    const { items } = await effects.cluster.list(type, labelled(namespace, effects.signal));
    for (const { metadata } of items) {
      const answer = await effects.cluster.raw({
        method: 'DELETE',
        path: resourcePath(type, undefined, metadata.name),
        signal: effects.signal,
      });
      if (answer.status >= 300 && answer.status !== 404) throw refused(`delete ${metadata.name}`, answer);
      removed += 1;
    }
  }
  return removed;
}

export function labelled(namespace: string, signal: AbortSignal) {
  return { labelSelector: `${guardLabel}=${namespace}`, signal };
}

function refused(what: string, answer: RawResponse): PadlockError {
  const sentence = `cannot ${what}: ${messageOf(answer) || `HTTP ${answer.status}`}`;
  if (answer.status === 404) {
    return new PadlockError('CLUSTER_NOT_FOUND', sentence, {
      hint: 'ValidatingAdmissionPolicies need Kubernetes 1.30 or newer',
    });
  }
  if (answer.status === 403) {
    return new PadlockError('CLUSTER_FORBIDDEN', sentence, {
      hint: 'admission policies belong to the whole cluster: an administrator installs them; --print shows them',
    });
  }
  return new PadlockError(answer.status === 422 ? 'CLUSTER_INVALID' : 'CLUSTER_REQUEST_FAILED', sentence);
}

function messageOf({ body }: RawResponse): string {
  try {
    const parsed: unknown = JSON.parse(body);
    return asText(dig(parsed, 'message')) ?? '';
  } catch {
    // A proxy in between answers in HTML or plain text.
    return body.slice(0, 200);
  }
}

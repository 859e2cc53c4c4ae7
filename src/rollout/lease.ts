/** Keeps two rollouts of one namespace apart: a Lease that the running one holds and renews (coordination.k8s.io/v1). */
import { PadlockError } from '../errors.ts';
import type { Cluster, RawResponse } from '../sources/cluster.ts';
import { asNumber, asText, dig } from '../sources/json-value.ts';
import { resourcePath } from '../sources/kube/resource-path.ts';
import { resourceOf } from './write.ts';

const rolloutLease = 'padlock-rollout';
const durationSeconds = 30;
/** A third of the duration: two renewals may fail before anyone else may take it. */
export const renewEveryMs = 10_000;

export interface LeaseHolder {
  /** `padlock-rollout` when absent. */
  readonly leaseName?: string;
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Who holds it, for people: user, machine and a random part. */
  readonly holder: string;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Takes the Lease.
 * @throws PadlockError `PREFLIGHT_REFUSED` where another run holds it
 */
export async function acquireLease(by: LeaseHolder): Promise<void> {
  const lease = resourceOf('Lease');
  const current = await by.cluster.get(lease, by.namespace, nameOf(by));
  if (current !== undefined) {
    const holder = asText(dig(current, 'spec', 'holderIdentity')) ?? '';
    const renewed = Date.parse(asText(dig(current, 'spec', 'renewTime')) ?? '');
    const seconds = asNumber(dig(current, 'spec', 'leaseDurationSeconds')) ?? durationSeconds;
    const age = by.now() - renewed;
    // A renewal "in the future" is a clock that goes wrong here or there; the Lease is held all the same.
    if (holder !== '' && holder !== by.holder && !Number.isNaN(age) && age < seconds * 1000) {
      throw heldBy(by.namespace, holder, Math.max(0, Math.round(age / 1000)));
    }
  }
  const answer = await send(by, by.holder, current?.metadata.resourceVersion);
  if (answer.status === 409) throw heldBy(by.namespace, 'another run that was faster', 0);
  if (answer.status >= 300) throw refused(by, answer);
}

/** @returns false where somebody else has taken the Lease meanwhile. Throws what a broken connection throws. */
export async function renewLease(by: LeaseHolder): Promise<boolean> {
  const current = await by.cluster.get(resourceOf('Lease'), by.namespace, nameOf(by));
  if (asText(dig(current, 'spec', 'holderIdentity')) !== by.holder) return false;
  const answer = await send(by, by.holder, current?.metadata.resourceVersion);
  if (answer.status === 409) return false;
  if (answer.status >= 300) throw refused(by, answer);
  return true;
}

export interface Held {
  readonly holder: string;
  readonly renewedAt: string;
}

/** @returns who holds the Lease now; undefined where nobody does, or a run died and its time is up */
export async function leaseHeld(cluster: Cluster, namespace: string, now: number): Promise<Held | undefined> {
  const current = await cluster.get(resourceOf('Lease'), namespace, rolloutLease);
  const holder = asText(dig(current, 'spec', 'holderIdentity')) ?? '';
  const renewedAt = asText(dig(current, 'spec', 'renewTime')) ?? '';
  const seconds = asNumber(dig(current, 'spec', 'leaseDurationSeconds')) ?? durationSeconds;
  const age = now - Date.parse(renewedAt);
  return holder === '' || Number.isNaN(age) || age >= seconds * 1000 ? undefined : { holder, renewedAt };
}

/** Gives the Lease back, so that the next run need not wait for its end. Somebody else's is left alone. */
export async function releaseLease(by: LeaseHolder): Promise<void> {
  const current = await by.cluster.get(resourceOf('Lease'), by.namespace, nameOf(by));
  if (asText(dig(current, 'spec', 'holderIdentity')) !== by.holder) return;
  await send(by, '', current?.metadata.resourceVersion);
}

function nameOf({ leaseName = rolloutLease }: LeaseHolder): string {
  return leaseName;
}

/** The version makes it atomic: the API server answers 409 where the Lease has changed since it was read. */
function send(by: LeaseHolder, holder: string, version: string | undefined): Promise<RawResponse> {
  const lease = resourceOf('Lease');
  // MicroTime: six decimals.
  const now = new Date(by.now()).toISOString().replace('Z', '000Z');
  const body = JSON.stringify({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: nameOf(by),
      namespace: by.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock' },
      ...(version === undefined ? {} : { resourceVersion: version }),
    },
    spec: { holderIdentity: holder, leaseDurationSeconds: durationSeconds, acquireTime: now, renewTime: now },
  });
  const name = version === undefined ? undefined : nameOf(by);
  return by.cluster.raw({
    method: version === undefined ? 'POST' : 'PUT',
    path: `${resourcePath(lease, by.namespace, name)}?fieldManager=padlock`,
    headers: { 'content-type': 'application/json' },
    body,
  });
}

function heldBy(namespace: string, holder: string, seconds: number): PadlockError {
  return new PadlockError(
    'PREFLIGHT_REFUSED',
    `a rollout of ${namespace} is running already, by ${holder} (renewed ${seconds} s ago)`,
    { hint: `wait for it; a run that died gives way after ${durationSeconds} s` },
  );
}

function refused(by: LeaseHolder, answer: RawResponse): PadlockError {
  return new PadlockError(
    'CLUSTER_REQUEST_FAILED',
    `cannot write Lease ${by.namespace}/${nameOf(by)}: HTTP ${answer.status}`,
    { hint: '`padlock rbac NAMESPACE --for secure` prints the rules that a rollout needs' },
  );
}

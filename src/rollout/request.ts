/**
 * Asking a rollout that runs elsewhere to pause: a key beside the record, under a field manager of its own, so that saving
 * the record leaves it alone. The run that holds the Lease looks for it, takes it out and pauses.
 */
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';
import { applyBesideRecord } from './beside-record.ts';
import { recordName } from './record.ts';
import { resourceOf } from './write.ts';

const requestKey = 'request';
const requestManager = 'padlock-request';

/** @param by who asks, for the record: `alice@laptop-3f9c1a` */
export function askToPause(cluster: Cluster, namespace: string, by: string): Promise<void> {
  return applyBesideRecord(cluster, namespace, requestManager, { [requestKey]: `pause, asked for by ${by}` });
}

/** @returns `pause, asked for by alice@laptop-3f9c1a`, or undefined where nobody asked */
export async function pauseRequest(cluster: Cluster, namespace: string): Promise<string | undefined> {
  const record = await cluster.get(resourceOf('ConfigMap'), namespace, recordName);
  return asText(dig(record, 'data', requestKey));
}

/** Takes the request out, so that the next run does not heed it again. */
export async function clearRequest(cluster: Cluster, namespace: string): Promise<void> {
  // An apply to what is not there would create it.
  if ((await pauseRequest(cluster, namespace)) === undefined) return;
  await applyBesideRecord(cluster, namespace, requestManager, undefined);
}

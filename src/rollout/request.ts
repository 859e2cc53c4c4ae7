/**
 * Asking a rollout that runs elsewhere to pause: a key beside the record, under a field manager of its own, so that saving
 * the record leaves it alone. The run that holds the Lease looks for it, takes it out and pauses.
 */
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';
import { resourcePath } from '../sources/kube/resource-path.ts';
import { statusMessage } from '../sources/kube/status.ts';
import { recordName } from './record.ts';
import { judgeAnswer, resourceOf } from './write.ts';

const requestKey = 'request';
const requestManager = 'padlock-request';

/** @param by who asks, for the record: `alice@laptop-3f9c1a` */
export function askToPause(cluster: Cluster, namespace: string, by: string): Promise<void> {
  return apply(cluster, namespace, { [requestKey]: `pause, asked for by ${by}` });
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
  await apply(cluster, namespace, undefined);
}

async function apply(
  cluster: Cluster,
  namespace: string,
  data: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  const manifest: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: recordName, namespace },
    ...(data === undefined ? {} : { data }),
  };
  const answer = await cluster.raw({
    method: 'PATCH',
    path: `${resourcePath(resourceOf('ConfigMap'), namespace, recordName)}?fieldManager=${requestManager}&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' },
    body: JSON.stringify(manifest),
  });
  judgeAnswer(
    { kind: 'apply', manifest },
    answer.status,
    answer.status < 300 ? '' : statusMessage(answer.body),
  );
}

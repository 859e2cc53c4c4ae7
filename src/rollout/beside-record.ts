/** Keys beside the record, in the ConfigMap that holds it. */
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { resourcePath } from '../sources/kube/resource-path.ts';
import { statusMessage } from '../sources/kube/status.ts';
import { recordName } from './record.ts';
import { judgeAnswer, resourceOf } from './write.ts';

/**
 * Server-side apply of the keys that `fieldManager` owns, so that saving the record leaves them alone.
 * @param data undefined: the manager's keys are taken out
 * @throws PadlockError where the API server refuses, as of any write of a rollout
 */
export async function applyBesideRecord(
  cluster: Cluster,
  namespace: string,
  fieldManager: string,
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
    path: `${resourcePath(resourceOf('ConfigMap'), namespace, recordName)}?fieldManager=${fieldManager}&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' },
    body: JSON.stringify(manifest),
  });
  judgeAnswer(
    { kind: 'apply', manifest },
    answer.status,
    answer.status < 300 ? '' : statusMessage(answer.body),
  );
}

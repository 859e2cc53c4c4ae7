/** The demo's requests: curl in a pod, and what its answer shows. */

import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asObject, asText } from '../../sources/json-value.ts';

export const url = 'http://httpbin.shop:8000/headers';

/** What came of one request. */
export type Heard =
  | { readonly kind: 'answered'; readonly identity: string | undefined }
  | { readonly kind: 'refused'; readonly error: string };

/** Runs curl in the first running pod with the label `app`. */
export async function ask(
  cluster: Cluster,
  namespace: string,
  app: string,
  signal: AbortSignal,
): Promise<Heard> {
  const { items } = await cluster.list(
    { group: '', version: 'v1', plural: 'pods', namespaced: true },
    { namespace, labelSelector: `app=${app}`, signal },
  );
  const pod = items.find((one) => one.metadata.deletionTimestamp === undefined);
  if (pod === undefined) throw new PadlockError('LAB_FAILED', `the demo’s pod ${app} is gone`);
  const command = ['curl', '-sS', '--max-time', '10', url];
  const { stdout, stderr, exitCode } = await cluster.exec(namespace, pod.metadata.name, command, {
    container: app,
    signal,
  });
  if (exitCode !== 0) return { kind: 'refused', error: stderr.trim().split('\n').at(-1) ?? '' };
  const headers = asObject(asObject(JSON.parse(stdout)).headers);
  const forwarded = asText(headers['X-Forwarded-Client-Cert']);
  return { kind: 'answered', identity: forwarded === undefined ? undefined : clientOf(forwarded) };
}

/** The caller's SPIFFE id in an `X-Forwarded-Client-Cert`: `By=…;Hash=…;Subject="";URI=spiffe://…`. */
function clientOf(forwarded: string): string | undefined {
  return /(?:^|;)URI=([^;,]+)/.exec(forwarded)?.[1];
}

/** The API server's version, for a bundle's cover. */
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';

/** @returns `v1.32.4`, or why it was not told: a cover page is no reason to fail. */
export async function kubernetesVersion(cluster: Cluster): Promise<string> {
  const answer = await cluster.raw({ method: 'GET', path: '/version' });
  if (answer.status !== 200) return `not told (HTTP ${answer.status})`;
  return asText(dig(JSON.parse(answer.body), 'gitVersion')) ?? 'not told';
}

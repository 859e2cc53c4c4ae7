/** The Leases by which nodes say that they live: without them the node controller takes their pods for lost. */
import type { LabNode } from '../kubelet/node-environment.ts';
import { type ApiClient, remotePath } from './api-client.ts';

/** A kubelet's own period (a quarter of its lease). */
const period = 10_000;

/** Renews until the returned function is called; it resolves when no renewal is under way. */
export function keepNodesAlive(
  client: ApiClient,
  nodes: readonly LabNode[],
  now: () => Date,
  onProblem: (sentence: string, error: unknown) => void,
): () => Promise<void> {
  const closing = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  const renew = async ({ name }: LabNode): Promise<void> => {
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-node-lease' },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: now().toISOString().replace('Z', '000Z'),
      },
    };
    const path = remotePath('leases.coordination.k8s.io', 'kube-node-lease', name);
    try {
      const { status, body: answer } = await client.raw({
        method: 'PATCH',
        path: `${path}?fieldManager=kubelet&force=true`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(body),
        signal: closing.signal,
      });
      if (status >= 300) onProblem(`the Lease of node ${name}: ${status}`, answer);
    } catch (error) {
      if (!closing.signal.aborted) onProblem(`the Lease of node ${name}`, error);
    }
  };
  const all = (): void => {
    last = Promise.all(nodes.map(renew));
  };
  all();
  const timer = setInterval(all, period);
  return async () => {
    clearInterval(timer);
    closing.abort();
    await last;
  };
}

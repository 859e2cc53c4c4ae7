/**
 * Connections from before a policy: Envoy lets what was opened on a replaced listener or filter chain go on until its drain
 * time ends (45 s in Istio), so plaintext outlives STRICT that long. Its listener manager counts what still drains, also with
 * Istio's default choice of statistics.
 */
import { podsWithProxy } from '../evidence/proxy/pods.ts';
import type { ProxyReader } from '../evidence/proxy/reader.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import type { Pending } from './observer.ts';
import type { Plan } from './plan.ts';
import { concerns } from './proof.ts';
import { openPlaintext } from './traffic-reader.ts';

const atOnce = 8;

/** @returns the servers that drain still, each with the plaintext TCP connections that are open there */
export async function drainingNow(plan: Plan, mesh: Mesh, reader: ProxyReader): Promise<readonly Pending[]> {
  const servers = mesh.workloads.filter(
    ({ namespace, dataplane, kind, name }) =>
      namespace === plan.namespace && dataplane === 'sidecar' && concerns(plan, `${kind}/${name}`),
  );
  const answers = await mapLimited(podsWithProxy(mesh, servers), atOnce, async ({ namespace, name }) => {
    if ((await drainsIn(reader, namespace, name)) === 0) return [];
    const counters = await reader.counters(namespace, name);
    const open = counters.read ? openPlaintext(counters.reading.samples) : 0;
    return [{ pod: `${namespace}/${name}`, detail: sentence(open) }];
  });
  return answers.flat();
}

/** A proxy that cannot be read, or ends, holds nobody up: what it refuses is for the probes to show. */
async function drainsIn(reader: ProxyReader, namespace: string, pod: string): Promise<number> {
  const filter = 'listener_manager\\.total_(listeners|filter_chains)_draining';
  const answer = await reader.stats(namespace, pod, filter);
  if (!answer.read) return 0;
  return [...answer.stats.values()].reduce((sum, value) => sum + value, 0);
}

function sentence(plaintext: number): string {
  const open =
    plaintext > 0 ? `, ${plaintext} plaintext TCP connection${plaintext === 1 ? '' : 's'} among them` : '';
  return `connections from before the policy are draining${open}`;
}

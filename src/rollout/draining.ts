/**
 * Connections from before a policy: Envoy lets what was opened on a replaced listener or filter chain go on until its drain
 * time ends (45 s in Istio), so plaintext outlives STRICT that long. Its listener manager counts what still drains, also with
 * Istio's default choice of statistics.
 */
import type { AdminReader } from '../evidence/admin.ts';
import { parsePrometheus } from '../evidence/envoy/prometheus.ts';
import { parseStats } from '../evidence/envoy/stats.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { mapLimited } from '../sources/kube/limit.ts';
import type { Pending } from './observer.ts';
import type { Plan } from './plan.ts';
import { concerns } from './proof.ts';

const atOnce = 8;

/** @returns the servers that drain still, each with the plaintext TCP connections that are open there */
export async function drainingNow(
  plan: Plan,
  mesh: Mesh,
  admin: AdminReader,
  signal: AbortSignal,
): Promise<readonly Pending[]> {
  const pods = mesh.workloads
    .filter(
      (workload) =>
        workload.namespace === plan.namespace &&
        workload.dataplane === 'sidecar' &&
        concerns(plan, `${workload.kind}/${workload.name}`),
    )
    .flatMap((workload) => workload.pods)
    .filter((pod) => pod.phase === 'Running' && !pod.deleting);
  const answers = await mapLimited(pods, atOnce, async ({ name }) => {
    const left = await drainsIn(admin, plan.namespace, name);
    signal.throwIfAborted();
    return left === 0
      ? []
      : [
          {
            pod: `${plan.namespace}/${name}`,
            detail: sentence(await openPlaintext(admin, plan.namespace, name)),
          },
        ];
  });
  return answers.flat();
}

/** A proxy that cannot be read, or ends, holds nobody up: what it refuses is for the probes to show. */
async function drainsIn(admin: AdminReader, namespace: string, pod: string): Promise<number> {
  const filter = encodeURIComponent('listener_manager\\.total_(listeners|filter_chains)_draining');
  const answer = await admin.get(namespace, pod, `/stats?filter=${filter}`);
  if (!answer.ok) return 0;
  return [...parseStats(answer.text).values()].reduce((sum, value) => sum + value, 0);
}

async function openPlaintext(admin: AdminReader, namespace: string, pod: string): Promise<number> {
  const filter = encodeURIComponent('istio_tcp_connections_(opened|closed)_total');
  const answer = await admin.get(namespace, pod, `/stats/prometheus?filter=${filter}`);
  if (!answer.ok) return 0;
  return parsePrometheus(answer.text, (name) => name.startsWith('istio_tcp_connections_'))
    .filter(({ labels }) => labels.reporter === 'destination' && labels.connection_security_policy === 'none')
    .reduce((open, { name, value }) => open + (name.includes('opened') ? value : -value), 0);
}

function sentence(plaintext: number): string {
  const open =
    plaintext > 0 ? `, ${plaintext} plaintext TCP connection${plaintext === 1 ? '' : 's'} among them` : '';
  return `connections from before the policy are draining${open}`;
}

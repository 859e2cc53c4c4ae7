/** Who may call from outside the mesh: nobody can know from here whether they do, so the likeliest are named and the rest counted. */
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import { listed } from './preflight.ts';

/** A cluster can hold thousands of workloads without a sidecar. */
const shown = 5;

/** Names of what calls others for a living: scrapers, ingress controllers, gateways, probers, schedulers. */
const callers =
  /prometheus|victoria|vmagent|grafana|agent|otel|collector|ingress|gateway|nginx|traefik|haproxy|envoy|kong|proxy|probe|blackbox|uptime|monitor|cron|job|batch|scheduler|webhook/i;

/** Istio's own parts: they configure proxies and call no application. */
const controlPlane: ReadonlySet<string> = new Set(['istiod', 'ztunnel', 'istio-cni-node']);

/** @returns the sentence, or none where everybody else has a sidecar */
export function outsidersNote(mesh: Mesh, namespace: string): readonly string[] {
  const outside = mesh.workloads.filter(
    (workload) =>
      workload.dataplane === 'none' &&
      workload.namespace !== namespace &&
      !workload.namespace.startsWith('kube-') &&
      workload.pods.length > 0 &&
      !isControlPlane(workload),
  );
  if (outside.length === 0) return [];
  const names = outside
    .toSorted((a, b) => likelihood(b) - likelihood(a))
    .map((workload) => `${workload.kind} ${workload.namespace}/${workload.name}`);
  return [`without a sidecar, and refused by STRICT should they call: ${listed(names, shown)}`];
}

function isControlPlane({ labels, name }: Workload): boolean {
  return controlPlane.has(labels.app ?? labels['k8s-app'] ?? name);
}

function likelihood({ name }: Workload): number {
  return callers.test(name) ? 1 : 0;
}

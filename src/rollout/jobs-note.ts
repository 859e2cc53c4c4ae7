/** Jobs of a namespace that is about to be injected: their next pods get a sidecar, which may keep them from ending. */
import { formatRef } from '../istio/kubernetes.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import { injectLabel } from './owners.ts';
import { listed } from './preflight.ts';

const shown = 5;

/** @returns the sentence, or none where no Job's template would be injected */
export function jobsNote(mesh: Mesh, namespace: string): readonly string[] {
  const names = mesh.workloads
    .filter((workload) => workload.namespace === namespace && isJob(workload) && !isOptedOut(workload))
    .map(({ kind, name }) => formatRef({ kind, namespace, name }));
  if (names.length === 0) return [];
  return [
    `the next pods of ${listed([...new Set(names)], shown)} get a sidecar: unless Istio makes it a native one (ENABLE_NATIVE_SIDECARS), it goes on when the job is done, and the Job does not end. The pod label ${injectLabel}=false keeps one out`,
  ];
}

function isJob({ kind, dataplane }: Workload): boolean {
  return (kind === 'CronJob' || kind === 'Job') && dataplane === 'none';
}

function isOptedOut({ labels, annotations }: Workload): boolean {
  return (labels[injectLabel] ?? annotations[injectLabel]) === 'false';
}

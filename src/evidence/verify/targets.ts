/** What is verified: workloads that PeerAuthentication applies to, with their ports and running pods. */
import { PadlockError } from '../../errors.ts';
import { portsOf } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload, WorkloadPod } from '../../mesh/workload.ts';

export interface TargetOptions {
  /** Absent: all. */
  readonly namespaces?: readonly string[];
  /** A workload's name, or KIND/NAME. */
  readonly workload?: string;
  /** Only these ports, declared or not; absent: those that containers declare and Services send to. */
  readonly ports?: readonly number[];
}

export interface Target {
  readonly workload: Workload;
  readonly ports: readonly number[];
  readonly pods: readonly WorkloadPod[];
}

/** @throws PadlockError `WORKLOAD_NOT_FOUND` */
export function targetsOf(mesh: Mesh, options: TargetOptions): readonly Target[] {
  const wanted = options.workload?.toLowerCase();
  const outside = new Set(namespacesOutside(mesh, options));
  const all = workloads(mesh, options.namespaces).filter(
    (workload) =>
      !outside.has(workload.namespace) &&
      workload.from !== 'workload-entry' &&
      workload.dataplane !== 'gateway' &&
      workload.dataplane !== 'waypoint' &&
      (wanted === undefined ||
        [workload.name, `${workload.kind}/${workload.name}`].some((name) => name.toLowerCase() === wanted)),
  );
  if (wanted !== undefined && all.length === 0) {
    const names = workloads(mesh, options.namespaces).map(({ kind, name }) => `${kind}/${name}`);
    throw new PadlockError('WORKLOAD_NOT_FOUND', `there is no workload "${options.workload}"`, {
      hint:
        names.length === 0
          ? 'the namespace is empty'
          : `there are: ${[...new Set(names)].slice(0, 10).join(', ')}`,
    });
  }
  return all.map((workload) => ({
    workload,
    ports: options.ports ?? portsOf(mesh, workload),
    pods: workload.pods.filter(isServing),
  }));
}

/**
 * Where nobody is named, namespaces without a single workload in the mesh are left out, and said to be: nothing there was
 * meant to refuse plaintext.
 */
export function namespacesOutside(mesh: Mesh, options: TargetOptions): readonly string[] {
  if (options.namespaces !== undefined) return [];
  const all = workloads(mesh, undefined);
  const inside = new Set(
    all
      .filter(({ dataplane }) => dataplane === 'sidecar' || dataplane === 'ambient')
      .map(({ namespace }) => namespace),
  );
  return [...new Set(all.map(({ namespace }) => namespace))].filter((namespace) => !inside.has(namespace));
}

function isServing(pod: WorkloadPod): boolean {
  return pod.phase === 'Running' && !pod.deleting;
}

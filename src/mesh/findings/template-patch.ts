/** Changing the pods of a workload: by the template of the controller that makes them. */

import type { Workload } from '../workload.ts';
import type { FixChange, Json } from './finding.ts';
import { workloadRef } from './wording.ts';

/** Controllers whose template can be patched; a change makes new pods. */
const templated: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

/** A merge patch of the pod template's metadata; nothing for kinds whose pods cannot be changed that way (Job, Pod). */
export function patchTemplate(
  workload: Workload,
  metadata: { readonly [key: string]: Json },
): readonly FixChange[] {
  const target = workloadRef(workload);
  if (templated.has(workload.kind)) {
    return [{ kind: 'merge-patch', target, patch: { spec: { template: { metadata } } } }];
  }
  if (workload.kind === 'CronJob') {
    return [
      { kind: 'merge-patch', target, patch: { spec: { jobTemplate: { spec: { template: { metadata } } } } } },
    ];
  }
  return [];
}

/** Where a field of the pod's metadata stands in the object that was read: the pod itself, or a template. */
export function podField(workload: Workload, path: string): string {
  if (workload.from !== 'template') return path;
  return workload.kind === 'CronJob' ? `spec.jobTemplate.spec.template.${path}` : `spec.template.${path}`;
}

/** New pods from the same template. */
export function restart(workload: Workload): readonly FixChange[] {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(workload.kind)
    ? [{ kind: 'restart', target: workloadRef(workload) }]
    : [];
}

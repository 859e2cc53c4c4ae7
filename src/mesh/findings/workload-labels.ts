/** The labels by which a policy for one workload selects it. */
import type { Workload } from '../workload.ts';

/** Labels that change with a release or are set by machines: no policy should rest on them. */
const passing =
  /^pod-template-hash$|^controller-revision-hash$|^statefulset\.kubernetes\.io\/|^(service|security|topology)\.istio\.io\/|^topology\.kubernetes\.io\/|^istio\.io\/rev$|^version$|^app\.kubernetes\.io\/version$/;

/** The label that names the application where there is one, as most charts and samples have it; else all that last. */
export function workloadSelectorLabels(workload: Workload): Readonly<Record<string, string>> {
  for (const key of ['app.kubernetes.io/name', 'app', 'k8s-app', 'name']) {
    const value = workload.labels[key];
    if (value !== undefined) return { [key]: value };
  }
  return Object.fromEntries(Object.entries(workload.labels).filter(([key]) => !passing.test(key)));
}

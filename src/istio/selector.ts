/** Label selectors as Istio and Kubernetes Services use them: equality only. */
import type { FieldReader, Fields, StringMap } from './fields.ts';

/** True when every label of the selector is on the workload. An empty selector matches everything. */
export function matchesLabels(selector: StringMap, labels: StringMap): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}

/**
 * Istio's `selector` / `workloadSelector` with `matchLabels`. Absent when the field is absent or has no labels: Istio
 * counts `selector: {}` as no selector. `present` tells the two apart, for ambient, which does not.
 */
export interface WorkloadSelector {
  readonly present: boolean;
  readonly labels?: StringMap;
}

export function parseWorkloadSelector(
  value: unknown,
  field: string,
  reader: FieldReader,
  labelsField = 'matchLabels',
): WorkloadSelector {
  const selector: Fields | undefined = reader.optionalFields(value, field);
  if (selector === undefined) return { present: false };
  const labels = reader.stringMap(selector[labelsField], `${field}.${labelsField}`);
  for (const _ in labels) return { present: true, labels };
  return { present: true };
}

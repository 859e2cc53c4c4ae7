/** An exception from what a namespace is held to, as it stands on a resource: who answers for it, and its last day. */
import { isFields } from '../istio/fields.ts';
import type { KubeObject } from '../istio/kubernetes.ts';

export const ownerAnnotation = 'padlock.dev/exception-owner';
/** `2027-01-31`, UTC. */
export const untilAnnotation = 'padlock.dev/exception-until';

export interface Exception {
  readonly owner?: string;
  readonly until?: string;
}

/** The exception of an object, or of its pod template. */
export function exceptionOf(object: KubeObject): Exception {
  const own = object.metadata.annotations ?? {};
  const inTemplate = templateAnnotations(object);
  const owner = own[ownerAnnotation] ?? inTemplate[ownerAnnotation];
  const until = own[untilAnnotation] ?? inTemplate[untilAnnotation];
  return {
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(typeof until === 'string' ? { until } : {}),
  };
}

function templateAnnotations(object: KubeObject): Readonly<Record<string, unknown>> {
  let value: unknown = object.spec;
  for (const field of ['template', 'metadata', 'annotations']) {
    value = isFields(value) ? value[field] : undefined;
  }
  return isFields(value) ? value : {};
}

/** Pods: what the server sets on create, what may change later, grace on deletion, and the fields to select by. */
import { cloneJson, equalJson, type JsonObject, objectAt, objectsAt, setDefault, stringAt } from '../json.ts';
import type { Strategy } from '../registry/resource.ts';
import { type FieldError, forbiddenField } from '../validation/field-error.ts';
import { defaultPod } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

/** The pod's quality of service class, from the requests and limits of its containers. */
export function qosClass(pod: JsonObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const spec = objectAt(pod, 'spec');
  const containers = [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')];
  let isEmpty = true;
  let isGuaranteed = true;
  for (const container of containers) {
    const resources = objectAt(container, 'resources');
    const limits = objectAt(resources, 'limits') ?? {};
    const requests = objectAt(resources, 'requests') ?? {};
    if (Object.keys(limits).length + Object.keys(requests).length > 0) isEmpty = false;
    for (const name of ['cpu', 'memory']) {
      if (limits[name] === undefined || !equalJson(limits[name], requests[name])) isGuaranteed = false;
    }
  }
  if (isEmpty) return 'BestEffort';
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

function gracePeriod(pod: JsonObject): number {
  const spec = objectAt(pod, 'spec');
  const phase = stringAt(objectAt(pod, 'status'), 'phase');
  const isScheduled = (stringAt(spec, 'nodeName') ?? '') !== '';
  if (!isScheduled || phase === 'Failed' || phase === 'Succeeded') return 0;
  const seconds = spec?.terminationGracePeriodSeconds;
  return typeof seconds === 'number' ? Math.max(seconds, 1) : 30;
}

const immutableSentence =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** A pod's spec with the few fields that may change taken from the old one; equal specs mean a lawful change. */
function withMutableFieldsOf(spec: JsonObject, old: JsonObject): JsonObject {
  const copy = cloneJson(spec);
  for (const field of ['containers', 'initContainers']) {
    const before = objectsAt(old, field);
    objectsAt(copy, field).forEach((container, index) => {
      const image = before[index]?.image;
      if (image !== undefined) container.image = image;
    });
  }
  for (const field of [
    'activeDeadlineSeconds',
    'tolerations',
    'ephemeralContainers',
    'schedulingGates',
    'nodeSelector',
  ]) {
    if (old[field] === undefined) delete copy[field];
    else copy[field] = old[field];
  }
  return copy;
}

function validatePod(pod: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const spec = objectAt(pod, 'spec') ?? {};
  const oldSpec = objectAt(old, 'spec');
  if (oldSpec === undefined) return validatePodSpec(spec, 'spec');
  const errors: FieldError[] = [];
  for (const field of ['containers', 'initContainers']) {
    if (objectsAt(spec, field).length !== objectsAt(oldSpec, field).length) {
      errors.push(forbiddenField(`spec.${field}`, 'pod updates may not add or remove containers'));
    }
  }
  if (errors.length > 0) return errors;
  const candidate = withMutableFieldsOf(spec, oldSpec);
  // A pod without a node is given one by its scheduler, through the binding; then the node stays.
  if (oldSpec.nodeName === undefined) delete candidate.nodeName;
  if (!equalJson(candidate, oldSpec)) errors.push(forbiddenField('spec', immutableSentence));
  return [...validatePodSpec(spec, 'spec'), ...errors];
}

export const podStrategy: Strategy = {
  defaults: defaultPod,
  prepareForCreate: (pod) => {
    pod.status = { phase: 'Pending', qosClass: qosClass(pod) };
  },
  prepareForUpdate: (pod, old) => {
    const status = objectAt(pod, 'status');
    if (status !== undefined) setDefault(status, 'qosClass', objectAt(old, 'status')?.qosClass);
  },
  validate: validatePod,
  gracePeriod,
  selectableFields: {
    'spec.nodeName': (pod) => stringAt(objectAt(pod, 'spec'), 'nodeName') ?? '',
    'spec.restartPolicy': (pod) => stringAt(objectAt(pod, 'spec'), 'restartPolicy') ?? '',
    'spec.schedulerName': (pod) => stringAt(objectAt(pod, 'spec'), 'schedulerName') ?? '',
    'spec.serviceAccountName': (pod) => stringAt(objectAt(pod, 'spec'), 'serviceAccountName') ?? '',
    'spec.hostNetwork': (pod) => String(objectAt(pod, 'spec')?.hostNetwork === true),
    'status.phase': (pod) => stringAt(objectAt(pod, 'status'), 'phase') ?? '',
    'status.podIP': (pod) => stringAt(objectAt(pod, 'status'), 'podIP') ?? '',
    'status.podIPs': (pod) => stringAt(objectAt(pod, 'status'), 'podIP') ?? '',
    'status.nominatedNodeName': (pod) => stringAt(objectAt(pod, 'status'), 'nominatedNodeName') ?? '',
  },
};

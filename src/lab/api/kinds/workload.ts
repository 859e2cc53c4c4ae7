/** Strategies of the workload kinds: defaulting, selectors that match their templates, what may not change. */
import {
  ensureObject,
  equalJson,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
  stringMapAt,
} from '../json.ts';
import type { Strategy } from '../registry/resource.ts';
import { matchesLabelSelector } from '../selectors/label-selector.ts';
import {
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from '../validation/field-error.ts';
import { validateLabels } from '../validation/metadata.ts';
import { cronErrors, jobErrors } from './job-validation.ts';
import { validatePodSpec } from './pod-validation.ts';
import {
  defaultCronJob,
  defaultDaemonSet,
  defaultDeployment,
  defaultJob,
  defaultReplicaSet,
  defaultStatefulSet,
} from './workload-defaults.ts';

/** Selector, template and replica count: what Deployments, ReplicaSets, StatefulSets and DaemonSets have in common. */
function validateWorkload(object: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const errors: FieldError[] = [];
  const replicas = numberAt(spec, 'replicas');
  if (replicas !== undefined && replicas < 0) {
    errors.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const selector = objectAt(spec, 'selector');
  const template = objectAt(spec, 'template');
  const labels = stringMapAt(objectAt(template, 'metadata'), 'labels');
  if (selector === undefined) errors.push(required('spec.selector'));
  else if (Object.keys(selector).length === 0) {
    errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${nounOf(object)}`));
  }
  const malformed = selectorErrors(selector);
  errors.push(...malformed);
  if (malformed.length === 0 && (selector === undefined || !matchesLabelSelector(selector, labels))) {
    const sentence = '`selector` does not match template `labels`';
    const printed = Object.keys(labels).length === 0 ? null : labels;
    errors.push(invalidValue('spec.template.metadata.labels', printed, sentence));
  }
  errors.push(...validateTemplate(template, 'spec.template', ['Always']));
  errors.push(...rollingErrors(object), ...updateStrategyErrors(object));
  if (object.kind === 'StatefulSet' && old !== undefined && changesFixedFields(object, old))
    return [...errors, forbiddenField('spec', fixedFieldsSentence)];
  const before = objectAt(objectAt(old, 'spec'), 'selector');
  if (before !== undefined && !equalJson(before, selector)) {
    errors.push(invalidValue('spec.selector', selector, 'field is immutable'));
  }
  return errors;
}

/** Expressions that ask for values and name none. */
function selectorErrors(selector: JsonObject | undefined): readonly FieldError[] {
  const errors = objectsAt(selector, 'matchExpressions').flatMap((expression, index) => {
    const operator = stringAt(expression, 'operator') ?? '';
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (!needsValues || (Array.isArray(expression.values) && expression.values.length > 0)) return [];
    const why = "must be specified when `operator` is 'In' or 'NotIn'";
    return [required(`spec.selector.matchExpressions[${index}].values`, why)];
  });
  return errors.length === 0
    ? []
    : [...errors, invalidValue('spec.selector', selector, 'invalid label selector')];
}

/** A Deployment's strategy: a rollout that could neither add nor remove a pod would never move. */
function rollingErrors(object: JsonObject): readonly FieldError[] {
  if (object.kind !== 'Deployment') return [];
  const strategy = objectAt(objectAt(object, 'spec'), 'strategy');
  const rolling = objectAt(strategy, 'rollingUpdate');
  const at = 'spec.strategy.rollingUpdate';
  if (rolling === undefined) return [];
  if (stringAt(strategy, 'type') === 'Recreate') {
    return [forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'")];
  }
  const isZero = (value: unknown): boolean => value === 0 || value === '0%';
  if (!isZero(rolling.maxSurge) || !isZero(rolling.maxUnavailable)) return [];
  return [invalidValue(`${at}.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0')];
}

/** Of a DaemonSet; the whole strategy is quoted, in Go's names. */
function updateStrategyErrors(object: JsonObject): readonly FieldError[] {
  if (object.kind !== 'DaemonSet') return [];
  const strategy = objectAt(objectAt(object, 'spec'), 'updateStrategy');
  const supported = ['RollingUpdate', 'OnDelete'];
  const type = stringAt(strategy, 'type') ?? '';
  if (supported.includes(type)) return [];
  const rolling = objectAt(strategy, 'rollingUpdate');
  const printed = {
    Type: type,
    RollingUpdate:
      rolling === undefined
        ? null
        : { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 },
  };
  const values = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(printed)}: supported values: ${values}`;
  return [{ type: 'FieldValueNotSupported', field: 'spec.updateStrategy', message }];
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;
const fixedFieldsSentence = `updates to statefulset spec for fields other than ${changeable
  .slice(0, -1)
  .map((field) => `'${field}'`)
  .join(', ')} and 'minReadySeconds' are forbidden`;

function changesFixedFields(object: JsonObject, old: JsonObject): boolean {
  const fixed = (one: JsonObject): JsonObject => {
    const spec = { ...objectAt(one, 'spec') };
    for (const field of changeable) delete spec[field];
    return spec;
  };
  return !equalJson(fixed(object), fixed(old));
}

function nounOf(object: JsonObject): string {
  const nouns: Readonly<Record<string, string>> = { ReplicaSet: 'deployment' };
  const kind = stringAt(object, 'kind') ?? '';
  return nouns[kind] ?? kind.toLowerCase();
}

function validateTemplate(
  template: JsonObject | undefined,
  at: string,
  restartPolicies: readonly string[],
): readonly FieldError[] {
  if (template === undefined) return [required(at)];
  const spec = objectAt(template, 'spec') ?? {};
  const errors: FieldError[] = [
    ...validateLabels(stringMapAt(objectAt(template, 'metadata'), 'labels'), `${at}.labels`),
    ...validatePodSpec(spec, `${at}.spec`),
  ];
  const restart = stringAt(spec, 'restartPolicy') ?? '';
  if (restart === 'Always' && !restartPolicies.includes(restart)) {
    const values = restartPolicies.map((one) => JSON.stringify(one)).join(', ');
    errors.push(required(`${at}.spec.restartPolicy`, `valid values: ${values}`));
  } else if (!restartPolicies.includes(restart)) {
    errors.push(notSupported(`${at}.spec.restartPolicy`, restart, restartPolicies));
  }
  return errors;
}

function validateJob(job: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const template = objectAt(objectAt(job, 'spec'), 'template');
  const before = objectAt(objectAt(old, 'spec'), 'template');
  if (before !== undefined && !equalJson(before, template)) {
    return [invalidValue('spec.template', template, 'field is immutable')];
  }
  return [
    ...jobErrors(objectAt(job, 'spec'), 'spec'),
    ...validateTemplate(template, 'spec.template', ['OnFailure', 'Never']),
  ];
}

function validateCronJob(cronJob: JsonObject): readonly FieldError[] {
  const spec = objectAt(cronJob, 'spec');
  const template = objectAt(objectAt(objectAt(spec, 'jobTemplate'), 'spec'), 'template');
  return [
    ...cronErrors(spec),
    ...validateTemplate(template, 'spec.jobTemplate.spec.template', ['OnFailure', 'Never']),
  ];
}

/** A Job's pods are found by the Job's own uid, unless its author said otherwise. */
function addJobSelector(job: JsonObject): void {
  const spec = objectAt(job, 'spec');
  const metadata = objectAt(job, 'metadata');
  const template = objectAt(spec, 'template');
  if (spec === undefined || template === undefined || spec.manualSelector === true) return;
  const uid = stringAt(metadata, 'uid') ?? '';
  const name = stringAt(metadata, 'name') ?? '';
  const templateMetadata = objectAt(template, 'metadata') ?? {};
  template.metadata = {
    ...templateMetadata,
    labels: {
      ...objectAt(templateMetadata, 'labels'),
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    },
  };
  spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  const own = ensureObject(ensureObject(job, 'metadata'), 'labels');
  for (const [key, value] of Object.entries(objectAt(objectAt(template, 'metadata'), 'labels') ?? {}))
    setDefault(own, key, value);
}

export const deploymentStrategy: Strategy = { defaults: defaultDeployment, validate: validateWorkload };
export const replicaSetStrategy: Strategy = { defaults: defaultReplicaSet, validate: validateWorkload };
/** The old kind can be selected by its count; its successor cannot. */
export const replicationControllerStrategy: Strategy = {
  selectableFields: {
    'status.replicas': (object) => String(numberAt(objectAt(object, 'status'), 'replicas') ?? 0),
  },
};
export const statefulSetStrategy: Strategy = { defaults: defaultStatefulSet, validate: validateWorkload };
export const daemonSetStrategy: Strategy = { defaults: defaultDaemonSet, validate: validateWorkload };
export const jobStrategy: Strategy = {
  defaults: defaultJob,
  prepareForCreate: addJobSelector,
  validate: validateJob,
  selectableFields: {
    'status.successful': (job) => String(numberAt(objectAt(job, 'status'), 'succeeded') ?? 0),
  },
};
export const cronJobStrategy: Strategy = { defaults: defaultCronJob, validate: validateCronJob };

/** The containers of a workload's template: what tables print. */
export function templateContainers(object: JsonObject): readonly JsonObject[] {
  return objectsAt(objectAt(objectAt(objectAt(object, 'spec'), 'template'), 'spec'), 'containers');
}

/** Strategies of RBAC, admission, networking, autoscaling and API registration kinds. */
import {
  ensureObject,
  equalJson,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
} from '../json.ts';
import type { Strategy } from '../registry/resource.ts';
import { celProgram } from '../schema/cel.ts';
import { type FieldError, invalidValue, notSupported, required } from '../validation/field-error.ts';
import { isPathSegment, isQualifiedName } from '../validation/names.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

function validateBinding(binding: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = [];
  const roleRef = objectAt(binding, 'roleRef') ?? {};
  const kinds = binding.kind === 'ClusterRoleBinding' ? ['ClusterRole'] : ['ClusterRole', 'Role'];
  const kind = stringAt(roleRef, 'kind') ?? '';
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds));
  if ((stringAt(roleRef, 'name') ?? '') === '') errors.push(required('roleRef.name'));
  objectsAt(binding, 'subjects').forEach((subject, index) => {
    const at = `subjects[${index}]`;
    if ((stringAt(subject, 'name') ?? '') === '') errors.push(required(`${at}.name`));
    const subjectKinds = ['ServiceAccount', 'User', 'Group'];
    const subjectKind = stringAt(subject, 'kind') ?? '';
    if (!subjectKinds.includes(subjectKind))
      errors.push(notSupported(`${at}.kind`, subjectKind, subjectKinds));
    else if (
      binding.kind === 'ClusterRoleBinding' &&
      subjectKind === 'ServiceAccount' &&
      (stringAt(subject, 'namespace') ?? '') === ''
    ) {
      errors.push(required(`${at}.namespace`));
    }
  });
  if (old !== undefined && !equalJson(old.roleRef, binding.roleRef)) {
    const { apiGroup: APIGroup, kind: Kind, name: Name } = roleRef;
    errors.push(invalidValue('roleRef', { APIGroup, Kind, Name }, 'cannot change roleRef'));
  }
  return errors;
}

export const bindingStrategy: Strategy = {
  nameRule: isPathSegment,
  defaults: (binding) => {
    const roleRef = objectAt(binding, 'roleRef');
    if (roleRef !== undefined) setDefault(roleRef, 'apiGroup', rbacGroup);
    for (const subject of objectsAt(binding, 'subjects')) {
      if (subject.kind !== 'ServiceAccount') setDefault(subject, 'apiGroup', rbacGroup);
    }
  },
  validate: validateBinding,
};

function validateRules(role: JsonObject): readonly FieldError[] {
  return objectsAt(role, 'rules').flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const errors: FieldError[] = [];
    if (!hasItems(rule, 'verbs'))
      errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (hasItems(rule, 'nonResourceURLs')) {
      if (role.kind === 'Role') {
        errors.push(
          invalidValue(
            `${at}.nonResourceURLs`,
            rule.nonResourceURLs,
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      }
      return errors;
    }
    if (!hasItems(rule, 'apiGroups')) {
      errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    }
    if (!hasItems(rule, 'resources')) {
      errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    }
    return errors;
  });
}

function hasItems(object: JsonObject, field: string): boolean {
  const list = object[field];
  return Array.isArray(list) && list.length > 0;
}

export const roleStrategy: Strategy = {
  nameRule: isPathSegment,
  defaults: (role) => setDefault(role, 'rules', null),
  validate: validateRules,
};

function defaultWebhooks(configuration: JsonObject): void {
  for (const webhook of objectsAt(configuration, 'webhooks')) {
    setDefault(webhook, 'failurePolicy', 'Fail');
    setDefault(webhook, 'matchPolicy', 'Equivalent');
    setDefault(webhook, 'namespaceSelector', {});
    setDefault(webhook, 'objectSelector', {});
    setDefault(webhook, 'timeoutSeconds', 10);
    if (configuration.kind === 'MutatingWebhookConfiguration')
      setDefault(webhook, 'reinvocationPolicy', 'Never');
    const service = objectAt(objectAt(webhook, 'clientConfig'), 'service');
    if (service !== undefined) setDefault(service, 'port', 443);
    for (const rule of objectsAt(webhook, 'rules')) setDefault(rule, 'scope', '*');
  }
}

function validateWebhooks(configuration: JsonObject): readonly FieldError[] {
  return objectsAt(configuration, 'webhooks').flatMap((webhook, index) => {
    const at = `webhooks[${index}]`;
    const errors: FieldError[] = [];
    const name = stringAt(webhook, 'name') ?? '';
    if (name.split('.').length < 3) {
      const why = 'should be a domain with at least three segments separated by dots';
      errors.push(invalidValue(`${at}.name`, name, why));
    }
    const effects = stringAt(webhook, 'sideEffects') ?? '';
    const known = ['None', 'NoneOnDryRun'];
    if (effects === '') errors.push(required(`${at}.sideEffects`, `must specify one of ${known.join(', ')}`));
    else if (!known.includes(effects)) errors.push(notSupported(`${at}.sideEffects`, effects, known));
    const client = objectAt(webhook, 'clientConfig');
    if ((client?.url === undefined) === (client?.service === undefined)) {
      errors.push(required(`${at}.clientConfig`, 'exactly one of url or service is required'));
    }
    const url = stringAt(client, 'url') ?? 'https:';
    if (!url.startsWith('https:')) {
      const form = 'desired format: https://host[/path]';
      const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] ?? '';
      const why = `'https' is the only allowed URL scheme; ${form}`;
      errors.push(invalidValue(`${at}.clientConfig.url`, scheme, why));
    }
    if (!hasItems(webhook, 'admissionReviewVersions')) {
      errors.push(required(`${at}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
    }
    return errors;
  });
}

export const webhookStrategy: Strategy = { defaults: defaultWebhooks, validate: validateWebhooks };

const celNames = ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables', 'authorizer'];

/** Expressions that cannot be parsed; types and unknown functions show when they are evaluated. */
function notCel(spec: JsonObject): readonly FieldError[] {
  return ['matchConditions', 'variables', 'validations'].flatMap((field) =>
    objectsAt(spec, field).flatMap((item, index) => {
      const expression = stringAt(item, 'expression') ?? '';
      try {
        celProgram(expression, celNames);
        return [];
      } catch (error) {
        const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
        const at = `spec.${field}[${index}].expression`;
        return [invalidValue(at, expression, `compilation failed: ERROR: ${why}`)];
      }
    }),
  );
}

export const admissionPolicyStrategy: Strategy = {
  validate: (policy) => {
    const spec = objectAt(policy, 'spec') ?? {};
    if (hasItems(spec, 'validations') || hasItems(spec, 'auditAnnotations')) return notCel(spec);
    const why = 'validations or auditAnnotations must contain at least one item';
    return [required('spec.validations', why), required('spec.auditAnnotations', why)];
  },
  defaults: (policy) => {
    const spec = ensureObject(policy, 'spec');
    setDefault(spec, 'failurePolicy', 'Fail');
    const constraints = objectAt(spec, 'matchConstraints');
    if (constraints === undefined) return;
    setDefault(constraints, 'matchPolicy', 'Equivalent');
    setDefault(constraints, 'namespaceSelector', {});
    setDefault(constraints, 'objectSelector', {});
    for (const rule of objectsAt(constraints, 'resourceRules')) setDefault(rule, 'scope', '*');
  },
};

export const admissionPolicyBindingStrategy: Strategy = {
  validate: (binding) =>
    hasItems(objectAt(binding, 'spec') ?? {}, 'validationActions')
      ? []
      : [required('spec.validationActions', 'at least one validation action is required')],
  defaults: (binding) => {
    const constraints = objectAt(objectAt(binding, 'spec'), 'matchResources');
    if (constraints === undefined) return;
    setDefault(constraints, 'matchPolicy', 'Equivalent');
    setDefault(constraints, 'namespaceSelector', {});
    setDefault(constraints, 'objectSelector', {});
  },
};

export const leaseStrategy: Strategy = {
  validate: (lease) => {
    const seconds = objectAt(lease, 'spec')?.leaseDurationSeconds;
    if (typeof seconds !== 'number' || seconds > 0) return [];
    return [invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0')];
  },
};

export const networkPolicyStrategy: Strategy = {
  defaults: (policy) => {
    const spec = ensureObject(policy, 'spec');
    if (!hasItems(spec, 'policyTypes')) {
      spec.policyTypes = hasItems(spec, 'egress') ? ['Ingress', 'Egress'] : ['Ingress'];
    }
    for (const rule of [...objectsAt(spec, 'ingress'), ...objectsAt(spec, 'egress')]) {
      for (const port of objectsAt(rule, 'ports')) setDefault(port, 'protocol', 'TCP');
    }
  },
};

export const autoscalerStrategy: Strategy = {
  defaults: (autoscaler) => {
    const spec = ensureObject(autoscaler, 'spec');
    setDefault(spec, 'minReplicas', 1);
    const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } };
    setDefault(spec, 'metrics', [{ type: 'Resource', resource: cpu }]);
    const status = ensureObject(autoscaler, 'status');
    setDefault(status, 'desiredReplicas', 0);
    setDefault(status, 'currentMetrics', null);
  },
};

export const budgetStrategy: Strategy = {
  prepareForCreate: (budget) => {
    budget.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  },
  validate: (budget) => {
    const spec = objectAt(budget, 'spec') ?? {};
    const errors: FieldError[] = [];
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      const printed = {
        MinAvailable: spec.minAvailable,
        Selector: spec.selector ?? null,
        MaxUnavailable: spec.maxUnavailable,
        UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
      };
      errors.push(invalidValue('spec', printed, 'minAvailable and maxUnavailable cannot be both set'));
    }
    for (const field of ['minAvailable', 'maxUnavailable']) {
      const value = spec[field];
      if (typeof value === 'string' && Number(/^(\d+)%$/.exec(value)?.[1] ?? 0) > 100)
        errors.push(invalidValue(`spec.${field}`, value, 'must not be greater than 100%'));
    }
    for (const key of Object.keys(objectAt(objectAt(spec, 'selector'), 'matchLabels') ?? {})) {
      for (const message of isQualifiedName(key))
        errors.push(invalidValue('spec.selector.matchLabels', key, message));
    }
    return errors;
  },
};

function validateApiService(service: JsonObject): readonly FieldError[] {
  const spec = objectAt(service, 'spec');
  const errors: FieldError[] = [];
  const name = stringAt(objectAt(service, 'metadata'), 'name') ?? '';
  const expected = `${stringAt(spec, 'version') ?? ''}.${stringAt(spec, 'group') ?? ''}`;
  if (name !== expected) {
    const why = `must be \`spec.version+"."+spec.group\`: "${expected}"`;
    errors.push(invalidValue('metadata.name', name, why));
  }
  const limits = [
    ['groupPriorityMinimum', 20_000],
    ['versionPriority', 1_000],
  ] as const;
  for (const [field, limit] of limits) {
    const value = numberAt(spec, field) ?? 0;
    if (value > 0 && value <= limit) continue;
    errors.push(invalidValue(`spec.${field}`, value, `must be positive and less than ${limit}`));
  }
  return errors;
}

export const apiServiceStrategy: Strategy = {
  validate: validateApiService,
  defaults: (service) => {
    const target = objectAt(objectAt(service, 'spec'), 'service');
    if (target !== undefined) setDefault(target, 'port', 443);
    ensureObject(service, 'status');
  },
  prepareForCreate: (service) => {
    if (objectAt(objectAt(service, 'spec'), 'service') !== undefined) return;
    service.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'Local',
          message: 'Local APIServices are always available',
          lastTransitionTime: stringAt(objectAt(service, 'metadata'), 'creationTimestamp') ?? null,
        },
      ],
    };
  },
};

export const priorityClassStrategy: Strategy = {
  defaults: (priority) => setDefault(priority, 'preemptionPolicy', 'PreemptLowerPriority'),
};

export const signingRequestStrategy: Strategy = {
  selectableFields: {
    'spec.signerName': (request) => stringAt(objectAt(request, 'spec'), 'signerName') ?? '',
  },
};

export const storageClassStrategy: Strategy = {
  defaults: (storage) => {
    setDefault(storage, 'reclaimPolicy', 'Delete');
    setDefault(storage, 'volumeBindingMode', 'Immediate');
  },
};

/** HorizontalPodAutoscalers are stored as v2; v1 knows only the CPU's utilization. */
export function autoscalerToV1(autoscaler: JsonObject): void {
  const spec = ensureObject(autoscaler, 'spec');
  for (const metric of objectsAt(spec, 'metrics')) {
    const target = objectAt(objectAt(metric, 'resource'), 'target');
    if (stringAt(objectAt(metric, 'resource'), 'name') !== 'cpu' || target?.averageUtilization === undefined)
      continue;
    spec.targetCPUUtilizationPercentage = target.averageUtilization;
  }
  delete spec.metrics;
  delete spec.behavior;
  const status = ensureObject(autoscaler, 'status');
  setDefault(status, 'currentReplicas', 0);
  delete status.currentMetrics;
  delete status.conditions;
}

export function autoscalerFromV1(autoscaler: JsonObject): void {
  const spec = ensureObject(autoscaler, 'spec');
  const percentage = spec.targetCPUUtilizationPercentage;
  delete spec.targetCPUUtilizationPercentage;
  if (typeof percentage !== 'number') return;
  const target = { type: 'Utilization', averageUtilization: percentage };
  spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
}

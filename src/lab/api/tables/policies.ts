/** The columns of RBAC, admission, policy, scheduling, networking and API machinery kinds. */
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt } from '../json.ts';
import { ageColumn, formatSelector, nameColumn, namedTable, table } from './table.ts';

const spec = (object: JsonObject): JsonObject | undefined => objectAt(object, 'spec');
const status = (object: JsonObject): JsonObject | undefined => objectAt(object, 'status');

/** Roles and CustomResourceDefinitions show when they were created, not how long ago. */
export const createdAtTable = table([
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    cell: (object) => stringAt(objectAt(object, 'metadata'), 'creationTimestamp') ?? '',
  },
]);

function subjects(kind: string): (binding: JsonObject) => string {
  return (binding) =>
    objectsAt(binding, 'subjects')
      .filter((subject) => subject.kind === kind)
      .map((subject) => {
        const name = stringAt(subject, 'name') ?? '';
        return kind === 'ServiceAccount' ? `${stringAt(subject, 'namespace') ?? ''}/${name}` : name;
      })
      .join(', ');
}

export const bindingTable = namedTable(
  [
    {
      name: 'Role',
      cell: (binding) => {
        const roleRef = objectAt(binding, 'roleRef');
        return `${stringAt(roleRef, 'kind') ?? ''}/${stringAt(roleRef, 'name') ?? ''}`;
      },
    },
  ],
  [
    { name: 'Users', wide: true, cell: subjects('User') },
    { name: 'Groups', wide: true, cell: subjects('Group') },
    { name: 'ServiceAccounts', wide: true, cell: subjects('ServiceAccount') },
  ],
);

export const webhookTable = namedTable([
  { name: 'Webhooks', type: 'integer', cell: (object) => objectsAt(object, 'webhooks').length },
]);

export const admissionPolicyTable = namedTable([
  { name: 'Validations', type: 'integer', cell: (object) => objectsAt(spec(object), 'validations').length },
  {
    name: 'ParamKind',
    cell: (object) => {
      const kind = objectAt(spec(object), 'paramKind');
      return kind === undefined
        ? '<unset>'
        : `${stringAt(kind, 'apiVersion') ?? ''}/${stringAt(kind, 'kind') ?? ''}`;
    },
  },
]);

export const admissionPolicyBindingTable = namedTable([
  { name: 'PolicyName', cell: (object) => stringAt(spec(object), 'policyName') ?? '' },
  {
    name: 'ParamRef',
    cell: (object) => {
      const reference = objectAt(spec(object), 'paramRef');
      const name = stringAt(reference, 'name');
      if (name === undefined)
        return reference === undefined ? '<unset>' : formatSelector(objectAt(reference, 'selector'));
      return `${stringAt(reference, 'namespace') ?? '*'}/${name}`;
    },
  },
]);

export const budgetTable = namedTable([
  { name: 'Min Available', cell: (object) => String(spec(object)?.minAvailable ?? 'N/A') },
  { name: 'Max Unavailable', cell: (object) => String(spec(object)?.maxUnavailable ?? 'N/A') },
  {
    name: 'Allowed Disruptions',
    type: 'integer',
    cell: (object) => numberAt(status(object), 'disruptionsAllowed') ?? 0,
  },
]);

export const leaseTable = namedTable([
  { name: 'Holder', cell: (object) => stringAt(spec(object), 'holderIdentity') ?? '' },
]);

export const priorityClassTable = table([
  nameColumn,
  { name: 'Value', type: 'integer', cell: (object) => numberAt(object, 'value') ?? 0 },
  { name: 'Global-Default', type: 'boolean', cell: (object) => object.globalDefault === true },
  ageColumn,
  { name: 'PreemptionPolicy', cell: (object) => stringAt(object, 'preemptionPolicy') ?? '' },
]);

export const storageClassTable = namedTable([
  { name: 'Provisioner', cell: (object) => stringAt(object, 'provisioner') ?? '' },
  { name: 'ReclaimPolicy', cell: (object) => stringAt(object, 'reclaimPolicy') ?? '' },
  { name: 'VolumeBindingMode', cell: (object) => stringAt(object, 'volumeBindingMode') ?? '' },
  { name: 'AllowVolumeExpansion', cell: (object) => object.allowVolumeExpansion === true },
]);

export const networkPolicyTable = namedTable([
  { name: 'Pod-Selector', cell: (object) => formatSelector(objectAt(spec(object), 'podSelector')) },
]);

export const ingressTable = table([
  nameColumn,
  { name: 'Class', cell: (object) => stringAt(spec(object), 'ingressClassName') ?? '<none>' },
  {
    name: 'Hosts',
    cell: (object) =>
      objectsAt(spec(object), 'rules')
        .map((rule) => stringAt(rule, 'host') || '*')
        .join(',') || '*',
  },
  {
    name: 'Address',
    cell: (object) =>
      objectsAt(objectAt(status(object), 'loadBalancer'), 'ingress')
        .map((one) => stringAt(one, 'ip') ?? stringAt(one, 'hostname') ?? '')
        .join(','),
  },
  { name: 'Ports', cell: (object) => (objectsAt(spec(object), 'tls').length > 0 ? '80, 443' : '80') },
  ageColumn,
]);

export const ingressClassTable = namedTable([
  { name: 'Controller', cell: (object) => stringAt(spec(object), 'controller') ?? '' },
  { name: 'Parameters', cell: () => '<none>' },
]);

export const autoscalerTable = namedTable([
  {
    name: 'Reference',
    cell: (object) => {
      const target = objectAt(spec(object), 'scaleTargetRef');
      return `${stringAt(target, 'kind') ?? ''}/${stringAt(target, 'name') ?? ''}`;
    },
  },
  {
    name: 'Targets',
    cell: (object) =>
      objectsAt(spec(object), 'metrics')
        .map((metric) => {
          const resource = objectAt(metric, 'resource');
          const wanted = numberAt(objectAt(resource, 'target'), 'averageUtilization');
          return `${stringAt(resource, 'name') ?? 'metric'}: <unknown>/${wanted === undefined ? '<auto>' : `${wanted}%`}`;
        })
        .join(', ') || '<none>',
  },
  { name: 'MinPods', cell: (object) => String(numberAt(spec(object), 'minReplicas') ?? '<unset>') },
  { name: 'MaxPods', cell: (object) => numberAt(spec(object), 'maxReplicas') ?? 0 },
  { name: 'Replicas', cell: (object) => numberAt(status(object), 'currentReplicas') ?? 0 },
]);

export const apiServiceTable = namedTable([
  {
    name: 'Service',
    cell: (object) => {
      const service = objectAt(spec(object), 'service');
      return service === undefined
        ? 'Local'
        : `${stringAt(service, 'namespace') ?? ''}/${stringAt(service, 'name') ?? ''}`;
    },
  },
  {
    name: 'Available',
    cell: (object) => {
      const condition = objectsAt(status(object), 'conditions').find((one) => one.type === 'Available');
      if (condition === undefined) return 'Unknown';
      return condition.status === 'True' ? 'True' : `False (${stringAt(condition, 'reason') ?? ''})`;
    },
  },
]);

export const signingRequestTable = namedTable(
  [],
  [
    { name: 'SignerName', cell: (object) => stringAt(spec(object), 'signerName') ?? '' },
    { name: 'Requestor', cell: (object) => stringAt(spec(object), 'username') ?? '' },
    {
      name: 'Condition',
      cell: (object) =>
        objectsAt(status(object), 'conditions')
          .map((one) => stringAt(one, 'type') ?? '')
          .join(',') || 'Pending',
    },
  ],
);

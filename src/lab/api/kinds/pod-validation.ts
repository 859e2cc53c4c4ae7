/** Validation of pod specs, in pods and in templates: the mistakes people make, in Kubernetes' own words. */
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt } from '../json.ts';
import {
  duplicate,
  type FieldError,
  invalidValue,
  notSupported,
  required,
} from '../validation/field-error.ts';
import {
  isDns1123Label,
  isDns1123Subdomain,
  isPortName,
  isPortNumber,
  portNumberMessage,
} from '../validation/names.ts';
import { validateResources } from './resources-validation.ts';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const probeHandlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

/** What is wrong with a pod spec; `at` is where it stands: `spec` or `spec.template.spec`. */
export function validatePodSpec(spec: JsonObject, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const volumes = validateVolumes(spec, at, errors);
  const containers = objectsAt(spec, 'containers');
  if (containers.length === 0) errors.push(required(`${at}.containers`));
  for (const field of ['containers', 'initContainers']) {
    objectsAt(spec, field).forEach((container, index) => {
      errors.push(...validateContainer(container, `${at}.${field}[${index}]`, names, volumes));
    });
  }
  oneOf(spec, 'restartPolicy', restartPolicies, at, errors);
  oneOf(spec, 'dnsPolicy', dnsPolicies, at, errors);
  const account = stringAt(spec, 'serviceAccountName') ?? '';
  if (account !== '') {
    for (const message of isDns1123Subdomain(account)) {
      errors.push(invalidValue(`${at}.serviceAccountName`, account, message));
    }
  }
  objectsAt(spec, 'tolerations').forEach((toleration, index) => {
    const value = stringAt(toleration, 'value') ?? '';
    if (toleration.operator !== 'Exists' || value === '') return;
    const why = "value must be empty when `operator` is 'Exists'";
    errors.push(invalidValue(`${at}.tolerations[${index}].operator`, value, why));
  });
  const grace = numberAt(spec, 'terminationGracePeriodSeconds');
  if (grace !== undefined && grace < 0) {
    errors.push(
      invalidValue(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0'),
    );
  }
  return errors;
}

function oneOf(
  object: JsonObject,
  field: string,
  supported: readonly string[],
  at: string,
  errors: FieldError[],
): void {
  const value = stringAt(object, field) ?? '';
  if (value === '') errors.push(required(`${at}.${field}`));
  else if (!supported.includes(value)) errors.push(notSupported(`${at}.${field}`, value, supported));
}

/** @returns the names of the volumes, which mounts must name. */
function validateVolumes(spec: JsonObject, at: string, errors: FieldError[]): ReadonlySet<string> {
  const names = new Set<string>();
  objectsAt(spec, 'volumes').forEach((volume, index) => {
    const field = `${at}.volumes[${index}].name`;
    const name = stringAt(volume, 'name') ?? '';
    if (name === '') errors.push(required(field));
    for (const message of name === '' ? [] : isDns1123Label(name))
      errors.push(invalidValue(field, name, message));
    if (names.has(name)) errors.push(duplicate(field, name));
    names.add(name);
  });
  return names;
}

function validateContainer(
  container: JsonObject,
  at: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(container, 'name') ?? '';
  if (name === '') errors.push(required(`${at}.name`));
  for (const message of name === '' ? [] : isDns1123Label(name))
    errors.push(invalidValue(`${at}.name`, name, message));
  if (name !== '' && names.has(name)) errors.push(duplicate(`${at}.name`, name));
  names.add(name);
  const image = stringAt(container, 'image') ?? '';
  if (image === '') errors.push(required(`${at}.image`));
  else if (image !== image.trim()) {
    errors.push(invalidValue(`${at}.image`, image, 'must not have leading or trailing whitespace'));
  }
  errors.push(...validatePorts(container, at));
  objectsAt(container, 'env').forEach((variable, index) => {
    const key = stringAt(variable, 'name') ?? '';
    if (key === '') errors.push(required(`${at}.env[${index}].name`));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they are looked for by
    else if (/[^\x20-\x7e]|=/.test(key)) {
      const why =
        "a valid environment variable name must consist only of printable ASCII characters other than '='";
      errors.push(invalidValue(`${at}.env[${index}].name`, key, why));
    }
    if ((stringAt(variable, 'value') ?? '') !== '' && variable.valueFrom !== undefined) {
      const why = 'may not be specified when `value` is not empty';
      errors.push(invalidValue(`${at}.env[${index}].valueFrom`, '', why));
    }
  });
  objectsAt(container, 'volumeMounts').forEach((mount, index) => {
    const field = `${at}.volumeMounts[${index}]`;
    const volume = stringAt(mount, 'name') ?? '';
    if (volume === '') errors.push(required(`${field}.name`));
    else if (!volumes.has(volume)) {
      errors.push({ type: 'FieldValueNotFound', field: `${field}.name`, message: `Not found: "${volume}"` });
    }
    if ((stringAt(mount, 'mountPath') ?? '') === '') errors.push(required(`${field}.mountPath`));
  });
  oneOf(container, 'imagePullPolicy', pullPolicies, at, errors);
  errors.push(...validateResources(objectAt(container, 'resources') ?? {}, `${at}.resources`));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const object = objectAt(container, probe);
    if (object !== undefined) errors.push(...validateProbe(object, `${at}.${probe}`));
  }
  return errors;
}

function validatePorts(container: JsonObject, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  objectsAt(container, 'ports').forEach((port, index) => {
    const field = `${at}.ports[${index}]`;
    const name = stringAt(port, 'name') ?? '';
    if (name !== '') {
      for (const message of isPortName(name)) errors.push(invalidValue(`${field}.name`, name, message));
      if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
      names.add(name);
    }
    if (port.containerPort === undefined || port.containerPort === 0) {
      errors.push(required(`${field}.containerPort`));
    } else if (!isPortNumber(port.containerPort)) {
      errors.push(invalidValue(`${field}.containerPort`, port.containerPort, portNumberMessage));
    }
    const protocol = stringAt(port, 'protocol') ?? '';
    if (!protocols.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, protocols));
  });
  return errors;
}

function validateProbe(probe: JsonObject, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const handlers = probeHandlers.filter((handler) => probe[handler] !== undefined);
  if (handlers.length === 0) errors.push(required(at, 'must specify a handler type'));
  for (const extra of handlers.slice(1)) {
    errors.push({
      type: 'FieldValueForbidden',
      field: `${at}.${extra}`,
      message: 'Forbidden: may not specify more than 1 handler type',
    });
  }
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    const value = numberAt(probe, field);
    if (value !== undefined && value < 0) {
      errors.push(invalidValue(`${at}.${field}`, value, 'must be greater than or equal to 0'));
    }
  }
  return errors;
}

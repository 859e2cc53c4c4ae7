/** Services: defaulting, ClusterIP and node port allocation, and what may not change. */
import {
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
} from '../json.ts';
import type { Strategy, StrategyContext } from '../registry/resource.ts';
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

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const protocols = ['SCTP', 'TCP', 'UDP'];

function defaultService(service: JsonObject): void {
  const spec = ensureObject(service, 'spec');
  setDefault(spec, 'sessionAffinity', 'None');
  setDefault(spec, 'type', 'ClusterIP');
  for (const port of objectsAt(spec, 'ports')) {
    setDefault(port, 'protocol', 'TCP');
    if (port.targetPort === 0 || port.targetPort === '') delete port.targetPort;
    setDefault(port, 'targetPort', port.port);
  }
  const type = stringAt(spec, 'type');
  const isExternal = type === 'NodePort' || type === 'LoadBalancer';
  if (isExternal) setDefault(spec, 'externalTrafficPolicy', 'Cluster');
  if (type !== 'ExternalName') setDefault(spec, 'internalTrafficPolicy', 'Cluster');
  if (type === 'LoadBalancer') setDefault(spec, 'allocateLoadBalancerNodePorts', true);
  if (spec.sessionAffinity === 'ClientIP') {
    setDefault(
      ensureObject(ensureObject(spec, 'sessionAffinityConfig'), 'clientIP'),
      'timeoutSeconds',
      10_800,
    );
  }
  setDefault(ensureObject(service, 'status'), 'loadBalancer', {});
}

function nameOf(service: JsonObject): string {
  return stringAt(objectAt(service, 'metadata'), 'name') ?? '';
}

/** Gives the service its addresses. Services of type ExternalName have none; `None` makes it headless. */
function allocate(service: JsonObject, context: StrategyContext): void {
  const spec = ensureObject(service, 'spec');
  const type = stringAt(spec, 'type');
  if (type === 'ExternalName') return;
  const wanted = stringAt(spec, 'clusterIP');
  if (wanted === 'None') {
    spec.clusterIPs = ['None'];
  } else {
    const ip = context.allocateClusterIP(wanted === '' ? undefined : wanted, nameOf(service));
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
  }
  setDefault(spec, 'ipFamilies', ['IPv4']);
  setDefault(spec, 'ipFamilyPolicy', 'SingleStack');
  const needsNodePorts =
    type === 'NodePort' || (type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  if (!needsNodePorts) return;
  for (const port of objectsAt(spec, 'ports')) {
    const nodePort = numberAt(port, 'nodePort');
    port.nodePort = context.allocateNodePort(nodePort === 0 ? undefined : nodePort, nameOf(service));
  }
}

/** Addresses stay with the service for as long as its type keeps them. */
function keepAddresses(service: JsonObject, old: JsonObject, context: StrategyContext): void {
  const spec = ensureObject(service, 'spec');
  const oldSpec = objectAt(old, 'spec') ?? {};
  if (stringAt(spec, 'type') === 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
      if (spec[field] === oldSpec[field]) delete spec[field];
    }
    return;
  }
  if (stringAt(oldSpec, 'type') === 'ExternalName') {
    allocate(service, context);
    return;
  }
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'healthCheckNodePort']) {
    const previous = oldSpec[field];
    if (previous !== undefined && (spec[field] === undefined || spec[field] === '')) spec[field] = previous;
  }
  const type = stringAt(spec, 'type');
  const needsNodePorts =
    type === 'NodePort' || (type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  const before = objectsAt(oldSpec, 'ports');
  for (const port of objectsAt(spec, 'ports')) {
    const same = before.find((one) => one.port === port.port && one.protocol === port.protocol);
    if (!needsNodePorts) {
      if (port.nodePort === same?.nodePort) delete port.nodePort;
      continue;
    }
    const nodePort = numberAt(port, 'nodePort') ?? numberAt(same, 'nodePort');
    port.nodePort =
      nodePort === undefined || nodePort === 0
        ? context.allocateNodePort(undefined, nameOf(service))
        : nodePort;
  }
}

function validateService(service: JsonObject, old: JsonObject | undefined): readonly FieldError[] {
  const errors: FieldError[] = [];
  const spec = objectAt(service, 'spec') ?? {};
  const type = stringAt(spec, 'type') ?? '';
  const ports = objectsAt(spec, 'ports');
  const isHeadless = stringAt(spec, 'clusterIP') === 'None';
  if (ports.length === 0 && !isHeadless && type !== 'ExternalName') errors.push(required('spec.ports'));
  const seenNames = new Set<string>();
  ports.forEach((port, index) => {
    errors.push(...validatePort(port, `spec.ports[${index}]`, ports.length > 1, seenNames));
  });
  errors.push(...duplicatePorts(ports));
  if (!types.includes(type)) errors.push(notSupported('spec.type', type, types));
  const external = (stringAt(spec, 'externalName') ?? '').replace(/\.$/, '');
  if (type === 'ExternalName' && external === '') errors.push(required('spec.externalName'));
  else if (type === 'ExternalName') {
    for (const message of isDns1123Subdomain(external)) {
      errors.push(invalidValue('spec.externalName', external, message));
    }
  }
  if (isHeadless && type !== 'ClusterIP' && type !== 'ExternalName') {
    errors.push(invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`));
  }
  const oldSpec = objectAt(old, 'spec');
  if (oldSpec !== undefined && stringAt(oldSpec, 'type') !== 'ExternalName' && type !== 'ExternalName') {
    const before = stringAt(oldSpec, 'clusterIP');
    const now = stringAt(spec, 'clusterIP');
    if (before !== undefined && before !== now) {
      errors.push(invalidValue('spec.clusterIPs[0]', now, 'may not change once set'));
    }
  }
  return errors;
}

/** Two ports of one protocol and number, printed as Go prints the second of them. */
function duplicatePorts(ports: readonly JsonObject[]): readonly FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const key = `${stringAt(port, 'protocol') ?? ''}/${numberAt(port, 'port') ?? 0}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const printed = {
      Name: '',
      Protocol: port.protocol,
      AppProtocol: null,
      Port: port.port,
      TargetPort: 0,
      NodePort: 0,
    };
    return [duplicate(`spec.ports[${index}]`, printed)];
  });
}

function validatePort(
  port: JsonObject,
  field: string,
  needsName: boolean,
  seenNames: Set<string>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(port, 'name') ?? '';
  if (name === '' && needsName) errors.push(required(`${field}.name`));
  else if (name !== '') {
    if (seenNames.has(name)) {
      errors.push({
        type: 'FieldValueDuplicate',
        field: `${field}.name`,
        message: `Duplicate value: "${name}"`,
      });
    }
    seenNames.add(name);
  }
  if (!isPortNumber(port.port)) errors.push(invalidValue(`${field}.port`, port.port ?? 0, portNumberMessage));
  const protocol = stringAt(port, 'protocol') ?? '';
  if (!protocols.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, protocols));
  const target = port.targetPort;
  if (typeof target === 'number' && !isPortNumber(target)) {
    errors.push(invalidValue(`${field}.targetPort`, target, portNumberMessage));
  }
  if (typeof target === 'string') {
    const wrong = isPortName(target);
    for (const message of wrong) errors.push(invalidValue(`${field}.targetPort`, target, message));
  }
  return errors;
}

export const serviceStrategy: Strategy = {
  nameRule: isDns1123Label,
  defaults: defaultService,
  prepareForCreate: (service, context) => {
    service.status = { loadBalancer: {} };
    allocate(service, context);
  },
  prepareForUpdate: keepAddresses,
  validate: validateService,
  selectableFields: {
    'spec.clusterIP': (service) => stringAt(objectAt(service, 'spec'), 'clusterIP') ?? '',
    'spec.type': (service) => stringAt(objectAt(service, 'spec'), 'type') ?? '',
  },
};

/** The refusal of a ClusterIP that is taken or no address of the range. */
export function clusterIPError(ip: string, why: string): FieldError {
  return invalidValue('spec.clusterIPs', [ip], `failed to allocate IP ${ip}: ${why}`);
}

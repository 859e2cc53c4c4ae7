/**
 * The guard of one namespace as manifests: five ValidatingAdmissionPolicies and their bindings. Each says in its
 * messages what it refuses; docs/commands/guard.md has the table of cases and what no policy of this kind can see.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { ownerAnnotation, untilAnnotation } from '../../mesh/exception.ts';
import {
  bypassesSidecar,
  celText,
  entryOf,
  exceptionHolds,
  hasForeignPort,
  hasWeakPort,
  isException,
  isForeignTls,
  isNamespaceWide,
  isUnchanged,
  modeOf,
} from './expressions.ts';

export interface GuardOptions {
  readonly namespace: string;
  /** `deny` refuses; `audit` lets pass, warns the caller and marks the API server's audit log. */
  readonly action: 'deny' | 'audit';
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** An exception may reach this far ahead of the write that makes it. */
  readonly maxExceptionDays: number;
}

export const guardLabel = 'padlock.dev/guard';
const apiVersion = 'admissionregistration.k8s.io/v1';

/** What one policy is made of. */
interface Part {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Only objects in the namespace; the rules of clients and the Namespace itself are found by their content. */
  readonly inNamespace: boolean;
  readonly conditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly Validation[];
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Validation {
  readonly expression: string;
  readonly message: string;
}

/** @returns the policies and, after each, its binding: the order in which they are applied. */
export function guardManifests(options: GuardOptions): readonly KubeObject[] {
  return partsOf(options).flatMap((part) => [policyOf(part, options), bindingOf(part, options)]);
}

/** The parts' names and meanings, for `guard status`. */
export const partMeanings: Readonly<Record<string, string>> = {
  'peer-authentications': 'modes at every level, ports, deletion of a STRICT policy',
  'destination-rules': 'tls at every level and subset, of every client',
  pods: 'pods without a sidecar, or past it',
  workloads: 'templates that opt out',
  namespace: 'the label that asks for injection',
};

function partsOf(options: GuardOptions): readonly Part[] {
  return [
    peerAuthentications(options),
    destinationRules(options),
    pods(options),
    workloads(options),
    namespaceLabels(options),
  ];
}

function policyOf(part: Part, options: GuardOptions): KubeObject {
  const { namespace } = options;
  return {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: metadataOf(part, options),
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: part.rules },
      ...(part.conditions === undefined ? {} : { matchConditions: part.conditions }),
      variables: part.variables,
      validations: part.validations.map(({ expression, message }) => ({
        expression,
        message: `${message} (guard of namespace ${namespace}; an exception takes the annotations ${ownerAnnotation} and ${untilAnnotation}: YYYY-MM-DD)`,
        reason: 'Forbidden',
      })),
    },
  };
}

function bindingOf(part: Part, options: GuardOptions): KubeObject {
  const selector = { matchLabels: { 'kubernetes.io/metadata.name': options.namespace } };
  return {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: metadataOf(part, options),
    spec: {
      policyName: metadataOf(part, options).name,
      validationActions: options.action === 'deny' ? ['Deny', 'Audit'] : ['Warn', 'Audit'],
      ...(part.inNamespace ? { matchResources: { namespaceSelector: selector } } : {}),
    },
  };
}

function metadataOf(part: Part, { namespace }: GuardOptions): KubeObject['metadata'] {
  return {
    name: `padlock-guard.${namespace}.${part.name}`,
    labels: { 'app.kubernetes.io/managed-by': 'padlock', [guardLabel]: namespace },
  };
}

const writes = ['CREATE', 'UPDATE'];

function peerAuthentications(options: GuardOptions): Part {
  const wasNamespaceStrict = `(${isNamespaceWide('oldObject')} && ${modeOf('oldObject')} == 'STRICT')`;
  const revision = (object: string): string => entryOf(`${object}.metadata.labels`, 'istio.io/rev');
  const isDelete = "(request.operation == 'DELETE')";
  const isGoing = '(namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp))';
  return {
    name: 'peer-authentications',
    rules: [
      {
        apiGroups: ['security.istio.io'],
        apiVersions: ['v1', 'v1beta1'],
        operations: [...writes, 'DELETE'],
        resources: ['peerauthentications'],
      },
    ],
    inNamespace: true,
    variables: [
      {
        name: 'excused',
        expression: `${isDelete} ? (${isGoing} || ${isException('oldObject.metadata.annotations')}) : (${exceptionHolds('object.metadata.annotations', options.maxExceptionDays)} || (${isUnchanged('spec', 'metadata.annotations')} && ${revision('object')} == ${revision('oldObject')}))`,
      },
    ],
    validations: [
      {
        expression: `!${isDelete} || !${wasNamespaceStrict} || variables.excused`,
        message:
          'a namespace-wide STRICT PeerAuthentication may not be deleted: admission sees one object and cannot know whether another would keep the namespace STRICT',
      },
      {
        expression: `${isDelete} || !${isNamespaceWide('object')} || ${modeOf('object')} == 'STRICT' || variables.excused`,
        message:
          'a PeerAuthentication without a selector must say STRICT: UNSET or an absent mode leaves the namespace to the mesh, and the oldest such policy hides the others',
      },
      {
        expression: `request.operation != 'UPDATE' || !${wasNamespaceStrict} || (${isNamespaceWide('object')} && ${revision('object')} == ${revision('oldObject')}) || variables.excused`,
        message:
          'the namespace-wide STRICT PeerAuthentication may get neither a selector nor another istio.io/rev: the rest of the namespace, or the other control plane, would lose STRICT',
      },
      {
        expression: `${isDelete} || ${isNamespaceWide('object')} || !(${modeOf('object')} in ['PERMISSIVE', 'DISABLE']) || variables.excused`,
        message: 'a PeerAuthentication with a selector may not say PERMISSIVE or DISABLE',
      },
      {
        expression: `${isDelete} || !${hasWeakPort('object')} || variables.excused`,
        message: 'portLevelMtls may not say PERMISSIVE or DISABLE for any port',
      },
    ],
  };
}

function destinationRules(options: GuardOptions): Part {
  const domain = `.svc.${options.clusterDomain}`;
  const own = `.${options.namespace}${domain}`;
  const host = 'object.spec.host';
  const isHere = `request.namespace == ${celText(options.namespace)}`;
  const isShort = `!${host}.contains('.') && !${host}.startsWith('*')`;
  const reaches = (suffix: string): string =>
    `${host}.endsWith(${celText(suffix)}) || (${host}.startsWith('*') && ${celText(suffix)}.endsWith(${host}.substring(1)))`;
  const excused = 'variables.excused';
  const spec = 'object.spec';
  return {
    name: 'destination-rules',
    rules: [
      {
        apiGroups: ['networking.istio.io'],
        apiVersions: ['v1', 'v1beta1', 'v1alpha3'],
        operations: writes,
        resources: ['destinationrules'],
      },
    ],
    inNamespace: false,
    conditions: [
      {
        name: 'reaches-the-namespace-or-leaves-it',
        expression: `has(object.spec) && has(${host}) && (${reaches(own)} || (${isHere} && (${isShort} || ${reaches(domain)})))`,
      },
    ],
    variables: [
      {
        name: 'excused',
        expression: `${exceptionHolds('object.metadata.annotations', options.maxExceptionDays)} || ${isUnchanged('spec', 'metadata.annotations')}`,
      },
    ],
    validations: [
      {
        expression: `!has(${spec}.trafficPolicy) || !${isForeignTls(`${spec}.trafficPolicy`)} || ${excused}`,
        message: 'trafficPolicy.tls may only be ISTIO_MUTUAL, or absent for auto mTLS',
      },
      {
        expression: `!has(${spec}.trafficPolicy) || !${hasForeignPort(`${spec}.trafficPolicy`)} || ${excused}`,
        message: 'trafficPolicy.portLevelSettings.tls may only be ISTIO_MUTUAL, or absent for auto mTLS',
      },
      {
        expression: `!has(${spec}.subsets) || !${spec}.subsets.exists(s, has(s.trafficPolicy) && ${isForeignTls('s.trafficPolicy')}) || ${excused}`,
        message: 'subsets.trafficPolicy.tls may only be ISTIO_MUTUAL, or absent for auto mTLS',
      },
      {
        expression: `!has(${spec}.subsets) || !${spec}.subsets.exists(s, has(s.trafficPolicy) && ${hasForeignPort('s.trafficPolicy')}) || ${excused}`,
        message:
          'subsets.trafficPolicy.portLevelSettings.tls may only be ISTIO_MUTUAL, or absent for auto mTLS',
      },
    ],
  };
}

const dataplaneMode = 'istio.io/dataplane-mode';

function pods(options: GuardOptions): Part {
  const annotations = 'object.metadata.annotations';
  const isCreate = "(request.operation == 'CREATE')";
  const named = (list: string): string =>
    `(has(object.spec.${list}) && object.spec.${list}.exists(c, c.name == 'istio-proxy'))`;
  const ownMode = entryOf('object.metadata.labels', dataplaneMode);
  const ofNamespace = `(namespaceObject != null && ${entryOf('namespaceObject.metadata.labels', dataplaneMode)} == 'ambient')`;
  const isAmbient = `(${ownMode} == 'ambient' || (${ownMode} == '' && ${ofNamespace}))`;
  const tlsMode = (object: string): string =>
    entryOf(`${object}.metadata.labels`, 'security.istio.io/tlsMode');
  return {
    name: 'pods',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: writes, resources: ['pods'] }],
    inNamespace: true,
    variables: [{ name: 'excused', expression: exceptionHolds(annotations, options.maxExceptionDays) }],
    validations: [
      {
        expression: `!${isCreate} || ${named('containers')} || ${named('initContainers')} || ${isAmbient} || variables.excused`,
        message:
          'a pod without the container istio-proxy would serve plaintext: it opted out of injection, uses the host’s network, or the injector did not answer',
      },
      {
        expression: `!${isCreate} || !(${bypassesSidecar(annotations)}) || variables.excused`,
        message:
          'the pod’s annotations take inbound ports past the sidecar (excludeInboundPorts, includeInboundPorts or interceptionMode)',
      },
      {
        expression: `${isCreate} ? (${tlsMode('object')} in ['', 'istio'] || variables.excused) : (${tlsMode('object')} == ${tlsMode('oldObject')} || ${tlsMode('object')} == 'istio' || variables.excused)`,
        message: 'the label security.istio.io/tlsMode may only say istio: without it clients send plaintext',
      },
    ],
  };
}

function workloads(options: GuardOptions): Part {
  const template = 'object.spec.template';
  const annotations = `${template}.metadata.annotations`;
  const labels = `${template}.metadata.labels`;
  const inject = 'sidecar.istio.io/inject';
  const whole = `has(object.spec.template) && has(${template}.metadata)`;
  const excused = 'variables.excused';
  return {
    name: 'workloads',
    rules: [
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        operations: writes,
        resources: ['deployments', 'statefulsets', 'daemonsets'],
      },
      { apiGroups: ['batch'], apiVersions: ['v1'], operations: writes, resources: ['jobs'] },
    ],
    inNamespace: true,
    conditions: [{ name: 'has-a-template', expression: whole }],
    variables: [
      {
        name: 'excused',
        expression: `${exceptionHolds(annotations, options.maxExceptionDays)} || (request.operation == 'UPDATE' && object.spec.template == oldObject.spec.template)`,
      },
    ],
    validations: [
      {
        expression: `!(${entryOf(labels, inject)} == 'false' || (${entryOf(labels, inject)} == '' && ${entryOf(annotations, inject)} == 'false')) || ${excused}`,
        message: `the pod template opts out of injection (${inject}: "false"); an exception stands in the template’s annotations`,
      },
      {
        expression: `!(has(${template}.spec) && has(${template}.spec.hostNetwork) && ${template}.spec.hostNetwork) || ${excused}`,
        message: 'the pod template uses the host’s network, where there is no sidecar',
      },
      {
        expression: `!(${bypassesSidecar(annotations)}) || ${excused}`,
        message:
          'the pod template takes inbound ports past the sidecar (excludeInboundPorts, includeInboundPorts or interceptionMode)',
      },
    ],
  };
}

function namespaceLabels(options: GuardOptions): Part {
  const asks = (object: string): string => {
    const labels = `${object}.metadata.labels`;
    const injection = entryOf(labels, 'istio-injection');
    const revision = entryOf(labels, 'istio.io/rev');
    return `(${injection} == 'enabled' || (${injection} == '' && ${revision} != '') || ${entryOf(labels, dataplaneMode)} == 'ambient')`;
  };
  return {
    name: 'namespace',
    rules: [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['UPDATE'],
        resources: ['namespaces'],
        resourceNames: [options.namespace],
      },
    ],
    inNamespace: false,
    variables: [
      {
        name: 'excused',
        expression: exceptionHolds('object.metadata.annotations', options.maxExceptionDays),
      },
    ],
    validations: [
      {
        expression: `!${asks('oldObject')} || ${asks('object')} || variables.excused`,
        message:
          'the namespace may not lose the label that asks for the mesh (istio-injection, istio.io/rev or istio.io/dataplane-mode)',
      },
    ],
  };
}

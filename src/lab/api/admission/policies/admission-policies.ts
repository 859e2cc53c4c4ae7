/**
 * ValidatingAdmissionPolicies as the API server enforces them: after every change to the object and every other check,
 * each binding whose policy takes the request; Deny refuses, Warn answers with a warning, Audit leaves no trace here
 * (the lab writes no audit log).
 */
import type { KubeObject } from '../../../../istio/kubernetes.ts';
import { type Engine, objectKey, type WriteOptions } from '../../engine/engine.ts';
import { draftOf, type JsonObject, objectAt, stringAt, stringsAt } from '../../json.ts';
import { parseApiVersion } from '../../registry/registry.ts';
import type { Resource } from '../../registry/resource.ts';
import { matchesLabelSelector } from '../../selectors/label-selector.ts';
import { ApiStatus, forbidden, qualified, type StatusReason } from '../../status.ts';
import { celValues, type Denial, evaluatePolicy } from './evaluate.ts';
import { matchesConstraints } from './rule-match.ts';
import type { WriteRequest } from './write-request.ts';

const policies = 'validatingadmissionpolicies.admissionregistration.k8s.io';
const bindings = 'validatingadmissionpolicybindings.admissionregistration.k8s.io';

/** @throws ApiStatus with the validation's reason where a policy denies the write */
export function askPolicies(
  engine: Engine,
  resource: Resource,
  write: Pick<WriteRequest, 'operation' | 'object' | 'oldObject'>,
  options: Partial<WriteOptions>,
): void {
  // As in the real server: a policy could otherwise forbid its own removal.
  if (resource.group === 'admissionregistration.k8s.io') return;
  const bound = engine.store.list(bindings);
  if (bound.length === 0) return;
  const request = requestOf(resource, write, options);
  const namespace = namespaceOf(engine, request);
  for (const { object: binding } of bound) {
    const spec = objectAt(draftOf(binding), 'spec') ?? {};
    const found = engine.store.get(policies, stringAt(spec, 'policyName') ?? '');
    const policy = found === undefined ? undefined : objectAt(draftOf(found), 'spec');
    if (found === undefined || policy === undefined) continue;
    if (!matchesConstraints(objectAt(policy, 'matchConstraints') ?? {}, request, namespace)) continue;
    if (!matchesConstraints(objectAt(spec, 'matchResources'), request, namespace)) continue;
    const denials = denialsOf(engine, request, namespace, policy, spec);
    enforce(denials, spec, found.metadata.name, binding.metadata.name, request, options);
  }
}

function requestOf(
  resource: Resource,
  write: Pick<WriteRequest, 'operation' | 'object' | 'oldObject'>,
  options: Partial<WriteOptions>,
): WriteRequest {
  const metadata = (write.object ?? write.oldObject)?.metadata;
  const isNamespace = qualified(resource) === 'namespaces';
  return {
    ...write,
    resource,
    subresource: options.subresource,
    version: options.version ?? resource.storageVersion,
    name: metadata?.name ?? '',
    namespace: isNamespace ? metadata?.name : metadata?.namespace,
    dryRun: options.dryRun === true,
    ...(options.user === undefined ? {} : { user: options.user }),
  };
}

function namespaceOf(engine: Engine, request: WriteRequest): KubeObject | undefined {
  if (!request.resource.namespaced || request.namespace === undefined) return undefined;
  return engine.store.get('namespaces', request.namespace);
}

/** A policy with parameters is asked once for each of them; without any, `parameterNotFoundAction` decides. */
function denialsOf(
  engine: Engine,
  request: WriteRequest,
  namespace: KubeObject | undefined,
  policy: JsonObject,
  binding: JsonObject,
): readonly Denial[] {
  const namespaces = engine.registry.byName('namespaces');
  const kind = objectAt(policy, 'paramKind');
  if (kind === undefined) {
    return evaluatePolicy(policy, celValues(request, namespace, namespaces, undefined, undefined));
  }
  const reference = objectAt(binding, 'paramRef') ?? {};
  const { group, version } = parseApiVersion(stringAt(kind, 'apiVersion') ?? '');
  const resource = engine.registry
    .resourcesOf(group, version)
    .find((one) => one.kind === stringAt(kind, 'kind'));
  const params = resource === undefined ? [] : paramsOf(engine, resource, reference, request);
  if (params.length === 0) {
    if (stringAt(reference, 'parameterNotFoundAction') === 'Allow') return [];
    const message = 'no params found for policy binding with `Deny` parameterNotFoundAction';
    return [{ message, reason: undefined }];
  }
  const schema = resource?.schema(resource.storageVersion);
  return params.flatMap((param) =>
    evaluatePolicy(policy, celValues(request, namespace, namespaces, param, schema)),
  );
}

function paramsOf(
  engine: Engine,
  resource: Resource,
  reference: JsonObject,
  request: WriteRequest,
): readonly KubeObject[] {
  const namespace = resource.namespaced ? (stringAt(reference, 'namespace') ?? request.namespace) : undefined;
  const name = stringAt(reference, 'name');
  if (name !== undefined) {
    const found = engine.store.get(qualified(resource), objectKey(namespace, name));
    return found === undefined ? [] : [found];
  }
  const selector = objectAt(reference, 'selector') ?? {};
  const prefix = namespace === undefined ? '' : `${namespace}/`;
  return engine.store
    .list(qualified(resource), prefix)
    .map(({ object }) => object)
    .filter((object) => matchesLabelSelector(selector, object.metadata.labels ?? {}));
}

function enforce(
  denials: readonly Denial[],
  binding: JsonObject,
  policyName: string,
  bindingName: string,
  request: WriteRequest,
  options: Partial<WriteOptions>,
): void {
  const actions = stringsAt(binding, 'validationActions');
  const by = `ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}'`;
  for (const { message } of actions.includes('Warn') ? denials : []) {
    options.onWarning?.(`Validation failed for ${by}: ${message}`);
  }
  const [first] = denials;
  if (first === undefined || !actions.includes('Deny')) return;
  const sentence = `${by} denied request: ${first.message}`;
  const refusal = forbidden(request.resource, request.name, sentence);
  throw new ApiStatus(reasonOf(first.reason), refusal.message, {
    ...refusal.details,
    causes: [{ reason: '', message: sentence }],
  });
}

function reasonOf(reason: string | undefined): StatusReason {
  switch (reason) {
    case 'Unauthorized':
    case 'Forbidden':
    case 'RequestEntityTooLarge':
      return reason;
    default:
      return 'Invalid';
  }
}

/** Which requests a ValidatingAdmissionPolicy or a binding looks at: `matchConstraints` and `matchResources`. */
import type { KubeObject } from '../../../../istio/kubernetes.ts';
import { type JsonObject, objectAt, objectsAt, stringAt, stringMapAt, stringsAt } from '../../json.ts';
import { matchesLabelSelector } from '../../selectors/label-selector.ts';
import type { WriteRequest } from './write-request.ts';

/**
 * True where the constraints take the request. Absent constraints (of a binding) take every request.
 * `matchPolicy: Equivalent`, the default, also takes a request made in another version of the same resource.
 */
export function matchesConstraints(
  constraints: JsonObject | undefined,
  request: WriteRequest,
  namespace: KubeObject | undefined,
): boolean {
  if (constraints === undefined) return true;
  const namespaceSelector = objectAt(constraints, 'namespaceSelector') ?? {};
  const objectSelector = objectAt(constraints, 'objectSelector') ?? {};
  if (!matchesNamespace(namespaceSelector, request, namespace)) return false;
  if (!matchesObject(objectSelector, request)) return false;
  const anyVersion = (stringAt(constraints, 'matchPolicy') ?? 'Equivalent') === 'Equivalent';
  const takes = (rule: JsonObject): boolean => matchesRule(rule, request, anyVersion);
  if (objectsAt(constraints, 'excludeResourceRules').some(takes)) return false;
  const rules = objectsAt(constraints, 'resourceRules');
  // Only a binding may leave the rules out: it then takes what the policy takes.
  return rules.length === 0 || rules.some(takes);
}

function matchesNamespace(
  selector: JsonObject,
  request: WriteRequest,
  namespace: KubeObject | undefined,
): boolean {
  if (request.resource.group === '' && request.resource.resource === 'namespaces') {
    return matchesLabelSelector(selector, labelsOf(request.object ?? request.oldObject));
  }
  return !request.resource.namespaced || matchesLabelSelector(selector, labelsOf(namespace));
}

function matchesObject(selector: JsonObject, request: WriteRequest): boolean {
  return [request.object, request.oldObject].some(
    (object) => object !== undefined && matchesLabelSelector(selector, labelsOf(object)),
  );
}

function labelsOf(object: KubeObject | undefined): Readonly<Record<string, string>> {
  return stringMapAt({ labels: object?.metadata.labels }, 'labels');
}

function matchesRule(rule: JsonObject, request: WriteRequest, anyVersion: boolean): boolean {
  const { resource, operation, subresource, name } = request;
  const has = (field: string, value: string): boolean => {
    const listed = stringsAt(rule, field);
    return listed.includes('*') || listed.includes(value);
  };
  if (!has('operations', operation) || !has('apiGroups', resource.group)) return false;
  const versions = anyVersion ? resource.versions.map((one) => one.name) : [request.version];
  if (!versions.some((version) => has('apiVersions', version))) return false;
  const scope = stringAt(rule, 'scope') ?? '*';
  if (scope !== '*' && (scope === 'Namespaced') !== resource.namespaced) return false;
  const names = stringsAt(rule, 'resourceNames');
  if (names.length > 0 && !names.includes(name)) return false;
  return stringsAt(rule, 'resources').some((text) => matchesResource(text, resource.resource, subresource));
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` + `/status`, `*` + `/*`. */
function matchesResource(pattern: string, resource: string, subresource: string | undefined): boolean {
  const [main = '', sub] = pattern.split('/');
  if (main !== '*' && main !== resource) return false;
  if (sub === undefined) return subresource === undefined;
  return sub === '*' || sub === subresource;
}

/** May this user do that? The port, and the answer from RBAC's roles and bindings as they are stored. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Store } from '../../store/store.ts';
import { isObject, type JsonObject, objectAt, objectsAt, stringAt, stringMapAt, stringsAt } from '../json.ts';
import { matchesLabelSelector } from '../selectors/label-selector.ts';
import { mastersGroup, type User } from './user.ts';

export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export interface PathAttributes {
  readonly kind: 'path';
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

export interface Decision {
  readonly allowed: boolean;
  /** Why it is allowed, or what went wrong in finding out; empty for a plain no. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(user: User, attributes: Attributes): Decision;
}

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

interface Grant {
  readonly rules: readonly PolicyRule[];
  readonly because: string;
}

const group = 'rbac.authorization.k8s.io';

/** RBAC as the API server evaluates it: cluster-wide bindings first, then those of the namespace. */
export class RbacAuthorizer implements Authorizer {
  readonly #store: Store<KubeObject>;

  constructor(store: Store<KubeObject>) {
    this.#store = store;
  }

  authorize(user: User, attributes: Attributes): Decision {
    if (user.groups.includes(mastersGroup)) return { allowed: true, reason: '' };
    const namespace = attributes.kind === 'resource' ? attributes.namespace : undefined;
    const missing: string[] = [];
    for (const grant of this.#grants(user, namespace, missing)) {
      if (grant.rules.some((rule) => covers(rule, attributes)))
        return { allowed: true, reason: grant.because };
    }
    return { allowed: false, reason: missing.length === 0 ? '' : `RBAC: ${missing.join(', ')}` };
  }

  /** The rules that hold for a user in a namespace: what a SelfSubjectRulesReview lists. */
  rulesFor(user: User, namespace: string): readonly PolicyRule[] {
    if (user.groups.includes(mastersGroup)) {
      return [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
        { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
      ];
    }
    return [...this.#grants(user, namespace, [])].flatMap((grant) => grant.rules);
  }

  *#grants(user: User, namespace: string | undefined, missing: string[]): Generator<Grant> {
    for (const { object } of this.#store.list(`clusterrolebindings.${group}`)) {
      const grant = this.#grant({ ...object }, user, undefined, missing);
      if (grant !== undefined) yield grant;
    }
    if (namespace === undefined) return;
    for (const { object } of this.#store.list(`rolebindings.${group}`, `${namespace}/`)) {
      const grant = this.#grant({ ...object }, user, namespace, missing);
      if (grant !== undefined) yield grant;
    }
  }

  #grant(
    binding: JsonObject,
    user: User,
    namespace: string | undefined,
    missing: string[],
  ): Grant | undefined {
    const subject = objectsAt(binding, 'subjects').find((one) => isSubject(one, user, namespace));
    if (subject === undefined) return undefined;
    const roleRef = objectAt(binding, 'roleRef');
    const kind = stringAt(roleRef, 'kind') ?? '';
    const name = stringAt(roleRef, 'name') ?? '';
    const role =
      kind === 'Role'
        ? this.#store.get(`roles.${group}`, `${namespace ?? ''}/${name}`)
        : this.#store.get(`clusterroles.${group}`, name);
    if (role === undefined) {
      missing.push(`${kind.toLowerCase()}.${group} "${name}" not found`);
      return undefined;
    }
    const bindingName = stringAt(objectAt(binding, 'metadata'), 'name') ?? '';
    const place = namespace === undefined ? bindingName : `${bindingName}/${namespace}`;
    const to = `${stringAt(subject, 'kind') ?? ''} "${subjectName(subject)}"`;
    return {
      rules: this.#rulesOf({ ...role }),
      because: `RBAC: allowed by ${stringAt(binding, 'kind') ?? ''} "${place}" of ${kind} "${name}" to ${to}`,
    };
  }

  /** The rules of the role that a binding names; undefined where there is no such role. */
  rulesOfRole(roleRef: JsonObject, namespace: string | undefined): readonly PolicyRule[] | undefined {
    const name = stringAt(roleRef, 'name') ?? '';
    const role =
      stringAt(roleRef, 'kind') === 'Role'
        ? this.#store.get(`roles.${group}`, `${namespace ?? ''}/${name}`)
        : this.#store.get(`clusterroles.${group}`, name);
    return role === undefined ? undefined : this.#rulesOf({ ...role });
  }

  /** The rules of a role that may not be stored yet. */
  rulesIn(role: JsonObject): readonly PolicyRule[] {
    return this.#rulesOf(role);
  }

  /** A ClusterRole with an aggregation rule has the rules of all that its selectors choose. */
  #rulesOf(role: JsonObject): readonly PolicyRule[] {
    const selectors = objectsAt(objectAt(role, 'aggregationRule'), 'clusterRoleSelectors');
    if (selectors.length === 0) return objectsAt(role, 'rules').map((rule) => toRule(rule));
    return this.#store
      .list(`clusterroles.${group}`)
      .filter(({ object }) => selectors.some((selector) => matchesLabelSelector(selector, labelsOf(object))))
      .flatMap(({ object }) => objectsAt({ ...object }, 'rules').map((rule) => toRule(rule)));
  }
}

function labelsOf(object: KubeObject): Readonly<Record<string, string>> {
  return isObject(object.metadata) ? stringMapAt(object.metadata, 'labels') : (object.metadata.labels ?? {});
}

function toRule(rule: JsonObject): PolicyRule {
  return {
    verbs: stringsAt(rule, 'verbs'),
    apiGroups: stringsAt(rule, 'apiGroups'),
    resources: stringsAt(rule, 'resources'),
    resourceNames: stringsAt(rule, 'resourceNames'),
    nonResourceURLs: stringsAt(rule, 'nonResourceURLs'),
  };
}

function subjectName(subject: JsonObject): string {
  const name = stringAt(subject, 'name') ?? '';
  return subject.kind === 'ServiceAccount' ? `${name}/${stringAt(subject, 'namespace') ?? ''}` : name;
}

function isSubject(subject: JsonObject, user: User, namespace: string | undefined): boolean {
  const name = stringAt(subject, 'name') ?? '';
  switch (subject.kind) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.name === serviceAccountUser(stringAt(subject, 'namespace') ?? namespace ?? '', name);
    default:
      return false;
  }
}

/** What a service account is called as a user. */
export function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

function covers(rule: PolicyRule, attributes: Attributes): boolean {
  if (!includesOrAll(rule.verbs, attributes.verb)) return false;
  if (attributes.kind === 'path') {
    return rule.nonResourceURLs.some(
      (url) =>
        url === '*' ||
        url === attributes.path ||
        (url.endsWith('*') && attributes.path.startsWith(url.slice(0, -1))),
    );
  }
  if (!includesOrAll(rule.apiGroups, attributes.group)) return false;
  const slash = attributes.resource.indexOf('/');
  const anySubresource = slash === -1 ? undefined : `*${attributes.resource.slice(slash)}`;
  const isResource =
    includesOrAll(rule.resources, attributes.resource) ||
    (anySubresource !== undefined && rule.resources.includes(anySubresource));
  if (!isResource) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(attributes.name ?? '');
}

function includesOrAll(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

/**
 * Nobody gives away rights that they do not have: roles and bindings are refused to writers who do not hold every
 * right in them, unless the verbs `escalate` and `bind` say that they may
 * (kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
 */
import { type JsonObject, objectAt, stringAt } from '../json.ts';
import { type ApiStatus, forbidden, notFound } from '../status.ts';
import type { PolicyRule, RbacAuthorizer } from './authorizer.ts';
import type { User } from './user.ts';

const group = 'rbac.authorization.k8s.io';
const plurals: Readonly<Record<string, string>> = {
  Role: 'roles',
  ClusterRole: 'clusterroles',
  RoleBinding: 'rolebindings',
  ClusterRoleBinding: 'clusterrolebindings',
};

/** @throws ApiStatus Forbidden, with each right that the writer lacks */
export function refuseEscalation(authorizer: RbacAuthorizer, user: User, object: JsonObject): void {
  const kind = stringAt(object, 'kind') ?? '';
  const plural = plurals[kind];
  if (plural === undefined) return;
  const metadata = objectAt(object, 'metadata');
  const namespace = stringAt(metadata, 'namespace');
  const name = stringAt(metadata, 'name') ?? '';
  const roleRef = objectAt(object, 'roleRef');
  const may = (verb: string, resource: string, of: string): boolean =>
    authorizer.authorize(user, { kind: 'resource', verb, group, resource, namespace, name: of }).allowed;
  if (roleRef === undefined) {
    if (may('escalate', plural, name)) return;
  } else if (may('bind', plurals[stringAt(roleRef, 'kind') ?? ''] ?? '', stringAt(roleRef, 'name') ?? '')) {
    return;
  }
  const given =
    roleRef === undefined ? authorizer.rulesIn(object) : authorizer.rulesOfRole(roleRef, namespace);
  if (given === undefined) {
    throw notFound({ group, resource: plural }, stringAt(roleRef, 'name') ?? '');
  }
  const missing = notHeld(given, authorizer.rulesFor(user, namespace ?? ''));
  if (missing.length > 0) throw refusal({ group, resource: plural }, name, user, missing);
}

/** The rights of rules that no held rule has, one string for each group and resource, as Go prints them. */
function notHeld(given: readonly PolicyRule[], held: readonly PolicyRule[]): readonly string[] {
  const missing = new Map<string, string[]>();
  for (const right of given.flatMap((rule) => rightsOf(rule))) {
    if (held.some((rule) => contains(rule, right))) continue;
    const verbs = missing.get(right.of) ?? [];
    missing.set(right.of, [...verbs, right.verb]);
  }
  return [...missing].map(([of, verbs]) => `{${of}, Verbs:${printed([...new Set(verbs)])}}`).sort();
}

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
  /** What it is a right to, printed. */
  readonly of: string;
}

function rightsOf(rule: PolicyRule): readonly Right[] {
  const names = rule.resourceNames.length === 0 ? [undefined] : rule.resourceNames;
  const resources = rule.apiGroups.flatMap((apiGroup) =>
    rule.resources.flatMap((resource) =>
      names.map((name) => ({
        group: apiGroup,
        resource,
        name,
        url: undefined,
        of: `APIGroups:${printed([apiGroup])}, Resources:${printed([resource])}${name === undefined ? '' : `, ResourceNames:${printed([name])}`}`,
      })),
    ),
  );
  const urls = rule.nonResourceURLs.map((url) => ({
    group: '',
    resource: '',
    name: undefined,
    url,
    of: `NonResourceURLs:${printed([url])}`,
  }));
  return rule.verbs.flatMap((verb) => [...resources, ...urls].map((right) => ({ ...right, verb })));
}

function contains(rule: PolicyRule, right: Right): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  if (!has(rule.verbs, right.verb)) return false;
  if (right.url !== undefined) {
    const { url } = right;
    return rule.nonResourceURLs.some(
      (one) => one === url || (one.endsWith('*') && url.startsWith(one.slice(0, -1))),
    );
  }
  if (!has(rule.apiGroups, right.group)) return false;
  const subresource = right.resource.indexOf('/');
  const any = subresource === -1 ? undefined : `*${right.resource.slice(subresource)}`;
  if (!has(rule.resources, right.resource) && !(any !== undefined && rule.resources.includes(any)))
    return false;
  return (
    rule.resourceNames.length === 0 || (right.name !== undefined && rule.resourceNames.includes(right.name))
  );
}

function printed(list: readonly string[]): string {
  return `[${list.map((one) => JSON.stringify(one)).join(' ')}]`;
}

function refusal(
  resource: { readonly group: string; readonly resource: string },
  name: string,
  user: User,
  missing: readonly string[],
): ApiStatus {
  const who = `user ${JSON.stringify(user.name)} (groups=${printed(user.groups)})`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`;
  return forbidden(resource, name, why);
}

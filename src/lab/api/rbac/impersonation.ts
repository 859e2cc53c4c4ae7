/** `kubectl --as`: a request in the name of another, where the caller may impersonate. */
import { badRequest } from '../status.ts';
import type { Attributes, Authorizer } from './authorizer.ts';
import { forbiddenTo } from './refusal.ts';
import type { User } from './user.ts';

type Headers = Readonly<Record<string, string | undefined>>;

const extraPrefix = 'impersonate-extra-';

/**
 * @returns the user that the request is made as: the caller, or whom its `Impersonate-*` headers name.
 * @throws ApiStatus Forbidden where the caller may not, BadRequest where groups come without a user.
 */
export function impersonated(caller: User, headers: Headers, authorizer: Authorizer): User {
  const name = headers['impersonate-user'] ?? '';
  const groups = splitHeader(headers['impersonate-group']);
  const uid = headers['impersonate-uid'];
  const extra = Object.entries(headers).filter(([key]) => key.startsWith(extraPrefix));
  if (name === '') {
    if (groups.length > 0 || uid !== undefined || extra.length > 0) {
      const list = groups.map((group) => JSON.stringify(group)).join(', ');
      const user = `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid ?? '')}, Groups:[]string{${list}}, Extra:map[string][]string(nil)}`;
      throw badRequest(`requested ${user} without impersonating a user name`);
    }
    return caller;
  }
  const account = /^system:serviceaccount:([^:]+):(.+)$/.exec(name);
  const wanted: readonly Attributes[] = [
    account === null
      ? attributes('users', undefined, name)
      : attributes('serviceaccounts', account[1], account[2] ?? ''),
    ...groups.map((group) => attributes('groups', undefined, group)),
  ];
  for (const one of wanted) {
    const decision = authorizer.authorize(caller, one);
    if (!decision.allowed) throw forbiddenTo(caller, one, decision);
  }
  return {
    name,
    groups: withStandardGroups(name, groups, account?.[1]),
    ...(uid === undefined ? {} : { uid }),
    extra: Object.fromEntries(
      extra.map(([key, value]) => [decodeURIComponent(key.slice(extraPrefix.length)), splitHeader(value)]),
    ),
  };
}

function attributes(resource: string, namespace: string | undefined, name: string): Attributes {
  return { kind: 'resource', verb: 'impersonate', group: '', resource, namespace, name };
}

function splitHeader(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Everybody who is somebody is in `system:authenticated`; service accounts are in their groups where none is named. */
function withStandardGroups(
  name: string,
  groups: readonly string[],
  namespace: string | undefined,
): readonly string[] {
  if (name === 'system:anonymous') return groups.length === 0 ? ['system:unauthenticated'] : groups;
  const own =
    namespace === undefined || groups.length > 0
      ? groups
      : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return own.includes('system:authenticated') ? own : [...own, 'system:authenticated'];
}

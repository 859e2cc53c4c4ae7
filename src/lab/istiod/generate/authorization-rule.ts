/** One rule of an AuthorizationPolicy as permissions and principals (pilot/pkg/security/authz/model). */
import { type Fields, isFields } from '../../../istio/fields.ts';
import type { MeshConfig } from '../../../istio/mesh-config.ts';
import type { CidrRange, Permission, Principal, RbacPolicy } from '../../sidecar/config/rbac.ts';
import type { StringMatcher } from '../../sidecar/config/tls.ts';

export interface RuleContext {
  readonly action: 'ALLOW' | 'DENY';
  readonly layer: 'http' | 'tcp';
  readonly config: MeshConfig;
}

/** What a field becomes for one of its values; undefined where the layer, or the lab, cannot judge it. */
type Generator<T> = (value: string, context: RuleContext) => T | undefined;

/**
 * A field that cannot be judged, such as a path on TCP, makes an ALLOW rule worthless and is left out of a DENY
 * rule, which then refuses more: in doubt Istio refuses.
 * @returns undefined for a rule that can never match.
 */
export function ruleToPolicy(rule: Fields, context: RuleContext): RbacPolicy | undefined {
  const conditions = records(rule.when);
  const permissionsOfWhen = conditions.map((condition) => permissionCondition(condition, context));
  const principalsOfWhen = conditions.map((condition) => principalCondition(condition, context));
  const to = records(rule.to).map((item) =>
    operation(isFields(item.operation) ? item.operation : {}, context),
  );
  const from = records(rule.from).map((item) => source(isFields(item.source) ? item.source : {}, context));
  const permissions = usable(to.length === 0 ? [[]] : to, permissionsOfWhen);
  const principals = usable(from.length === 0 ? [[]] : from, principalsOfWhen);
  if (permissions.length === 0 || principals.length === 0) return undefined;
  return {
    permissions: permissions.map((rules) => ({ and_rules: { rules: orAny(rules) } })),
    principals: principals.map((ids) => ({ and_ids: { ids: orAny(ids) } })),
  };
}

/** A list of conditions that all must hold, or `unusable` where one of them cannot be judged and that matters. */
type Conjunction<T> = readonly T[] | 'unusable';

/** Every alternative joined with the conditions of `when`; alternatives that cannot be used drop out. */
function usable<T>(
  alternatives: readonly Conjunction<T>[],
  when: readonly Conjunction<T>[],
): readonly (readonly T[])[] {
  const common: T[] = [];
  for (const condition of when) {
    if (condition === 'unusable') return [];
    common.push(...condition);
  }
  return alternatives.filter((item) => item !== 'unusable').map((item) => [...item, ...common]);
}

function orAny<T>(items: readonly T[]): readonly (T | { readonly any: true })[] {
  return items.length === 0 ? [{ any: true }] : items;
}

function records(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function operation(fields: Fields, context: RuleContext): Conjunction<Permission> {
  return conjunction(fields, operationFields, context, anyPermission, (rule) => ({ not_rule: rule }));
}

function source(fields: Fields, context: RuleContext): Conjunction<Principal> {
  return conjunction(fields, sourceFields, context, anyPrincipal, (id) => ({ not_id: id }));
}

/** Each field: any of its values; its `not` twin: none of its values. */
function conjunction<T>(
  fields: Fields,
  generators: Readonly<Record<string, Generator<T>>>,
  context: RuleContext,
  or: (items: readonly T[]) => T,
  not: (item: T) => T,
): Conjunction<T> {
  const all: T[] = [];
  for (const [name, generator] of Object.entries(generators)) {
    const negative = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    for (const [values, negated] of [
      [strings(fields[name]), false],
      [strings(fields[negative]), true],
    ] as const) {
      if (values.length === 0) continue;
      const built = generate(values, generator, context);
      if (built === 'unusable') return 'unusable';
      if (built.length > 0) all.push(negated ? not(or(built)) : or(built));
    }
  }
  return all;
}

function generate<T>(
  values: readonly string[],
  generator: Generator<T>,
  context: RuleContext,
): Conjunction<T> {
  const built: T[] = [];
  for (const value of values) {
    const item = generator(value, context);
    if (item !== undefined) built.push(item);
    else if (context.action === 'ALLOW') return 'unusable';
  }
  return built;
}

const anyPermission = (rules: readonly Permission[]): Permission => ({ or_rules: { rules } });
const anyPrincipal = (ids: readonly Principal[]): Principal => ({ or_ids: { ids } });

const onHttp =
  <T>(build: (value: string) => T): Generator<T> =>
  (value, { layer }) =>
    layer === 'http' ? build(value) : undefined;

const operationFields: Readonly<Record<string, Generator<Permission>>> = {
  hosts: onHttp((value) => ({
    header: { name: ':authority', string_match: { ...wildcard(value), ignore_case: true } },
  })),
  methods: onHttp((value) => ({ header: { name: ':method', string_match: wildcard(value) } })),
  paths: onHttp((value) => ({ url_path: { path: pathMatcher(value) } })),
  ports: (value) => ({ destination_port: Number(value) }),
};

const authenticated = (matcher: StringMatcher): Principal => ({ authenticated: { principal_name: matcher } });

const sourceFields: Readonly<Record<string, Generator<Principal>>> = {
  principals: (value, { config }) =>
    anyOf(expandTrustDomain(value, config).map((id) => authenticated(spiffe(id)))),
  namespaces: (value) => authenticated(regex(`.*/ns/${starToRegex(value)}/.*`)),
  serviceAccounts: (value) => {
    const [namespace = '', account = ''] = value.includes('/') ? value.split('/', 2) : ['*', value];
    return authenticated(regex(`.*/ns/${starToRegex(namespace)}/sa/${starToRegex(account)}`));
  },
  trustDomains: (value) => authenticated(regex(`spiffe://${starToRegex(value)}/.*`)),
  ipBlocks: (value) => ({ direct_remote_ip: cidr(value) }),
  remoteIpBlocks: (value) => ({ remote_ip: cidr(value) }),
  // Without a JWT there is no request principal; the lab checks none.
  requestPrincipals: () => undefined,
};

const principalKeys: Readonly<Record<string, Generator<Principal>>> = {
  'source.ip': (value) => ({ direct_remote_ip: cidr(value) }),
  'remote.ip': (value) => ({ remote_ip: cidr(value) }),
  'source.namespace': sourceFields.namespaces ?? (() => undefined),
  'source.principal': sourceFields.principals ?? (() => undefined),
  'source.serviceAccount': sourceFields.serviceAccounts ?? (() => undefined),
  'source.trustDomain': sourceFields.trustDomains ?? (() => undefined),
};

const permissionKeys: Readonly<Record<string, Generator<Permission>>> = {
  'destination.ip': (value) => ({ destination_ip: cidr(value) }),
  'destination.port': (value) => ({ destination_port: Number(value) }),
  'connection.sni': (value) => ({ requested_server_name: wildcard(value) }),
};

function principalCondition(condition: Fields, context: RuleContext): Conjunction<Principal> {
  const key = String(condition.key ?? '');
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  const generator =
    header === undefined
      ? principalKeys[key]
      : onHttp<Principal>((value) => ({ header: { name: header, string_match: wildcard(value) } }));
  if (generator === undefined) return key in permissionKeys ? [] : unknownKey(context);
  return conditionValues(condition, generator, context, anyPrincipal, (id) => ({ not_id: id }));
}

function permissionCondition(condition: Fields, context: RuleContext): Conjunction<Permission> {
  const generator = permissionKeys[String(condition.key ?? '')];
  if (generator === undefined) return [];
  return conditionValues(condition, generator, context, anyPermission, (rule) => ({ not_rule: rule }));
}

function unknownKey({ action }: RuleContext): 'unusable' | readonly [] {
  return action === 'ALLOW' ? 'unusable' : [];
}

function conditionValues<T>(
  condition: Fields,
  generator: Generator<T>,
  context: RuleContext,
  or: (items: readonly T[]) => T,
  not: (item: T) => T,
): Conjunction<T> {
  return conjunction(
    { value: condition.values, notValue: condition.notValues },
    { value: generator },
    context,
    or,
    not,
  );
}

function anyOf(principals: readonly Principal[]): Principal {
  const [only] = principals;
  return principals.length === 1 && only !== undefined ? only : { or_ids: { ids: principals } };
}

/** A principal of one of the mesh's trust domains stands for that identity in all of them. */
function expandTrustDomain(value: string, config: MeshConfig): readonly string[] {
  const slash = value.indexOf('/');
  if (slash === -1) return [value];
  const domains = [config.trustDomain, ...config.trustDomainAliases];
  const domain = value.slice(0, slash);
  if (domain !== 'cluster.local' && !domains.includes(domain)) return [value];
  return [...new Set(domains)].map((item) => item + value.slice(slash));
}

/** Istio's principals leave `spiffe://` out. `*` alone is: anybody who has an identity. */
function spiffe(value: string): StringMatcher {
  const scheme = 'spiffe://';
  if (value === '*') return regex('.+');
  if (value.startsWith('*')) return regex(`${scheme}.*${escapeRegex(value.slice(1))}`);
  if (value.endsWith('*')) return { prefix: scheme + value.slice(0, -1) };
  return { exact: scheme + value };
}

/** Exact, `prefix*`, `*suffix`, or `*` for presence. */
function wildcard(value: string): StringMatcher {
  if (value === '*') return regex('.+');
  if (value.startsWith('*')) return { suffix: value.slice(1) };
  if (value.endsWith('*')) return { prefix: value.slice(0, -1) };
  return { exact: value };
}

/** Paths may hold `{*}` for one segment and `{**}` for any number. */
function pathMatcher(value: string): StringMatcher {
  if (!value.includes('{*')) return wildcard(value);
  const parts = value.split(/(\{\*\*\}|\{\*\})/);
  return regex(
    parts.map((part) => (part === '{**}' ? '.*' : part === '{*}' ? '[^/]+' : escapeRegex(part))).join(''),
  );
}

function starToRegex(value: string): string {
  return value.split('*').map(escapeRegex).join('.*');
}

function regex(expression: string): StringMatcher {
  return { safe_regex: { regex: expression } };
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function cidr(value: string): CidrRange {
  const [address = '', bits] = value.split('/', 2);
  return {
    address_prefix: address,
    prefix_len: bits === undefined ? (address.includes(':') ? 128 : 32) : Number(bits),
  };
}

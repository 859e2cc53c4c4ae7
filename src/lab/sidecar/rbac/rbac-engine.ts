/** Envoy's role-based access control: envoy.config.rbac.v3, as HTTP filter and as network filter. */
import { BlockList, isIPv6 } from 'node:net';
import type { CidrRange, Permission, Principal, RbacConfig, RbacPolicy, RbacRules } from '../config/rbac.ts';
import type { HeaderMatcher } from '../config/route.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { StatScope } from '../stats/stats.ts';
import type { PeerIdentity } from '../tls/peer-verification.ts';
import { matchesString } from '../tls/string-match.ts';

export interface RbacInput {
  readonly peer: PeerIdentity | undefined;
  /** Whether the connection is TLS; on plaintext nobody is authenticated. */
  readonly tls: boolean;
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly serverName: string | undefined;
  /** Whoever opened the connection. */
  readonly directRemoteIp: string;
  /** The client, by X-Forwarded-For where that is trusted. */
  readonly remoteIp: string;
  /** Undefined on a TCP connection. */
  readonly http: { readonly method: string; readonly path: string; readonly headers: HeaderList } | undefined;
}

export interface RbacDecision {
  readonly allowed: boolean;
  /** `ns[NAMESPACE]-policy[NAME]-rule[INDEX]`; `none` where no policy matched. */
  readonly policy: string;
}

/** @returns what the rules say: ALLOW lets through what a policy matches, DENY what none does. */
export function evaluateRules(rules: RbacRules, input: RbacInput): RbacDecision {
  const names = Object.keys(rules.policies).sort();
  const matched = names.find((name) => {
    const policy = rules.policies[name];
    return policy !== undefined && matchesPolicy(policy, input);
  });
  const deny = rules.action === 'DENY';
  return { allowed: deny === (matched === undefined), policy: matched ?? 'none' };
}

/**
 * Judges with a filter's rules and counts as Envoy does: `allowed` and `denied`, and for shadow rules
 * `PREFIX.shadow_allowed` and `PREFIX.shadow_denied`, which refuse nothing.
 * @param prefix `rbac.` in an HTTP scope, '' in a scope of its own.
 */
export function enforce(
  config: RbacConfig,
  input: RbacInput,
  stats: StatScope,
  prefix: string,
): RbacDecision | null {
  if (config.shadow_rules !== undefined) {
    const { allowed } = evaluateRules(config.shadow_rules, input);
    stats.count(`${prefix}${shadowPrefix(config)}shadow_${allowed ? 'allowed' : 'denied'}`);
  }
  if (config.rules === undefined) return null;
  const decision = evaluateRules(config.rules, input);
  stats.count(`${prefix}${decision.allowed ? 'allowed' : 'denied'}`);
  return decision;
}

/** `istio_dry_run_deny_.`: Envoy sets a dot after the prefix that the configuration gives. */
function shadowPrefix({ shadow_rules_stat_prefix: prefix }: RbacConfig): string {
  return prefix === undefined ? '' : `${prefix}.`;
}

/** A policy matches where any of its permissions and any of its principals do. */
function matchesPolicy(policy: RbacPolicy, input: RbacInput): boolean {
  return (
    policy.permissions.some((permission) => permits(permission, input)) &&
    policy.principals.some((principal) => identifies(principal, input))
  );
}

function permits(permission: Permission, input: RbacInput): boolean {
  if ('any' in permission) return permission.any;
  if ('and_rules' in permission) return permission.and_rules.rules.every((rule) => permits(rule, input));
  if ('or_rules' in permission) return permission.or_rules.rules.some((rule) => permits(rule, input));
  if ('not_rule' in permission) return !permits(permission.not_rule, input);
  if ('destination_port' in permission) return permission.destination_port === input.destinationPort;
  if ('destination_ip' in permission) return inRange(permission.destination_ip, input.destinationIp);
  if ('requested_server_name' in permission) {
    return matchesString(permission.requested_server_name, input.serverName ?? '');
  }
  if ('header' in permission) return matchesHeader(permission.header, input);
  const path = input.http?.path.replace(/[?#].*$/, '');
  return path !== undefined && matchesString(permission.url_path.path, path);
}

function identifies(principal: Principal, input: RbacInput): boolean {
  if ('any' in principal) return principal.any;
  if ('and_ids' in principal) return principal.and_ids.ids.every((id) => identifies(id, input));
  if ('or_ids' in principal) return principal.or_ids.ids.some((id) => identifies(id, input));
  if ('not_id' in principal) return !identifies(principal.not_id, input);
  if ('authenticated' in principal) return isAuthenticated(principal.authenticated.principal_name, input);
  if ('direct_remote_ip' in principal) return inRange(principal.direct_remote_ip, input.directRemoteIp);
  if ('remote_ip' in principal) return inRange(principal.remote_ip, input.remoteIp);
  return matchesHeader(principal.header, input);
}

/** The URI names are compared, and the DNS names only where there are none; without a certificate nothing matches. */
function isAuthenticated(matcher: Parameters<typeof matchesString>[0], { peer, tls }: RbacInput): boolean {
  if (!tls || peer === undefined) return false;
  const names = peer.uris.length > 0 ? peer.uris : peer.dnsNames;
  return (names.length > 0 ? names : [peer.subject]).some((name) => matchesString(matcher, name));
}

/** @returns whether a header, or one of the pseudo-headers, is as the matcher wants it. */
export function matchesHeader(matcher: HeaderMatcher, input: { readonly http: RbacInput['http'] }): boolean {
  if (input.http === undefined) return false;
  const value = headerValue(matcher.name.toLowerCase(), input.http);
  const found =
    matcher.string_match === undefined
      ? (value !== undefined) === (matcher.present_match ?? true)
      : value !== undefined && matchesString(matcher.string_match, value);
  return matcher.invert_match === true ? !found : found;
}

function headerValue(name: string, http: NonNullable<RbacInput['http']>): string | undefined {
  switch (name) {
    case ':method':
      return http.method;
    case ':path':
      return http.path;
    case ':authority':
      return http.headers.get('host');
    default:
      return http.headers.get(name);
  }
}

const ranges = new Map<string, BlockList>();
const maxRanges = 1000;

function inRange(range: CidrRange, ip: string): boolean {
  const key = `${range.address_prefix}/${range.prefix_len}`;
  let list = ranges.get(key);
  if (list === undefined) {
    if (ranges.size >= maxRanges) ranges.clear();
    list = new BlockList();
    list.addSubnet(range.address_prefix, range.prefix_len, isIPv6(range.address_prefix) ? 'ipv6' : 'ipv4');
    ranges.set(key, list);
  }
  return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}

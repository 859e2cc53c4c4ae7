/** Envoy's RBAC, as Istio writes AuthorizationPolicies into it: envoy.config.rbac.v3. */
import type { HeaderMatcher } from './route.ts';
import type { StringMatcher } from './tls.ts';

export interface CidrRange {
  readonly address_prefix: string;
  readonly prefix_len: number;
}

export type Permission =
  | { readonly any: true }
  | { readonly and_rules: { readonly rules: readonly Permission[] } }
  | { readonly or_rules: { readonly rules: readonly Permission[] } }
  | { readonly not_rule: Permission }
  | { readonly destination_port: number }
  | { readonly destination_ip: CidrRange }
  | { readonly requested_server_name: StringMatcher }
  | { readonly header: HeaderMatcher }
  | { readonly url_path: { readonly path: StringMatcher } };

export type Principal =
  | { readonly any: true }
  | { readonly and_ids: { readonly ids: readonly Principal[] } }
  | { readonly or_ids: { readonly ids: readonly Principal[] } }
  | { readonly not_id: Principal }
  | { readonly authenticated: { readonly principal_name: StringMatcher } }
  | { readonly direct_remote_ip: CidrRange }
  | { readonly remote_ip: CidrRange }
  | { readonly header: HeaderMatcher };

export interface RbacPolicy {
  readonly permissions: readonly Permission[];
  readonly principals: readonly Principal[];
}

export interface RbacRules {
  /** ALLOW is Envoy's zero value and is not printed. */
  readonly action?: 'DENY';
  /** By `ns[NAMESPACE]-policy[NAME]-rule[INDEX]`, in Envoy's order: by name. */
  readonly policies: Readonly<Record<string, RbacPolicy>>;
}

export interface RbacConfig {
  readonly rules?: RbacRules;
  readonly shadow_rules?: RbacRules;
  readonly shadow_rules_stat_prefix?: string;
}

export interface HttpRbacConfig extends RbacConfig {
  readonly '@type': typeof httpRbacType;
}

export interface NetworkRbacConfig extends RbacConfig {
  readonly '@type': typeof networkRbacType;
  readonly stat_prefix: string;
}

export const httpRbacType = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
export const networkRbacType = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';

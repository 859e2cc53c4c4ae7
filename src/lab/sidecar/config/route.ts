/** Envoy's HTTP routes, the part that Istio writes for sidecars: envoy.config.route.v3. */
import type { StringMatcher } from './tls.ts';

export interface RetryPolicy {
  /** Comma-separated conditions, e.g. `connect-failure,refused-stream`. */
  readonly retry_on: string;
  readonly num_retries: number;
  readonly retry_host_predicate?: readonly unknown[];
  readonly host_selection_retry_max_attempts?: string;
  readonly retriable_status_codes?: readonly number[];
}

export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

export interface RouteAction {
  readonly cluster?: string;
  readonly weighted_clusters?: { readonly clusters: readonly WeightedCluster[] };
  /** A duration in seconds, `0s` for none. */
  readonly timeout: string;
  readonly retry_policy?: RetryPolicy;
  readonly max_stream_duration?: Readonly<Record<string, string>>;
  readonly max_grpc_timeout?: string;
}

export interface HeaderMatcher {
  readonly name: string;
  readonly string_match?: StringMatcher;
  readonly present_match?: boolean;
  readonly invert_match?: boolean;
}

export interface RouteMatch {
  readonly prefix?: string;
  readonly path?: string;
  readonly path_separated_prefix?: string;
  readonly safe_regex?: { readonly regex: string };
  readonly headers?: readonly HeaderMatcher[];
  readonly case_sensitive?: boolean;
}

export interface Route {
  readonly name?: string;
  readonly match: RouteMatch;
  readonly route?: RouteAction;
  readonly direct_response?: { readonly status: number };
  readonly decorator?: { readonly operation: string };
}

export interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly include_request_attempt_count?: boolean;
}

export interface RouteConfiguration {
  readonly '@type'?: typeof routeConfigurationType;
  readonly name: string;
  readonly virtual_hosts: readonly VirtualHost[];
  readonly validate_clusters: boolean;
  readonly max_direct_response_body_size_bytes?: number;
  readonly ignore_port_in_host_matching?: boolean;
}

export const routeConfigurationType = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';

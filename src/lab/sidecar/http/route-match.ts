/** Which route takes a request: Envoy's virtual hosts by domain, then their routes in order. */
import type { Route, RouteConfiguration, VirtualHost } from '../config/route.ts';
import { matchesHeader } from '../rbac/rbac-engine.ts';
import type { HeaderList } from './header-list.ts';

export interface RoutedRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: HeaderList;
}

export interface RouteMatchResult {
  readonly host: VirtualHost;
  readonly route: Route;
}

/** @returns undefined where no virtual host or none of its routes matches: 404 `route_not_found`. */
export function matchRoute(config: RouteConfiguration, request: RoutedRequest): RouteMatchResult | undefined {
  const authority = request.authority.toLowerCase();
  const name = config.ignore_port_in_host_matching === true ? authority.replace(/:\d+$/, '') : authority;
  const host = findVirtualHost(config.virtual_hosts, name);
  const route = host?.routes.find((candidate) => matchesRequest(candidate, request));
  return host === undefined || route === undefined ? undefined : { host, route };
}

/** Exact names first, then the longest `*.suffix`, then the longest `prefix.*`, then `*`. */
function findVirtualHost(hosts: readonly VirtualHost[], name: string): VirtualHost | undefined {
  let best: VirtualHost | undefined;
  let bestRank = -1;
  for (const host of hosts) {
    for (const domain of host.domains) {
      const rank = domainRank(domain.toLowerCase(), name);
      if (rank > bestRank) {
        best = host;
        bestRank = rank;
      }
    }
  }
  return best;
}

function domainRank(domain: string, name: string): number {
  if (domain === '*') return 0;
  if (domain === name) return 100_000;
  if (domain.startsWith('*') && name.endsWith(domain.slice(1))) return 10_000 + domain.length;
  if (domain.endsWith('*') && name.startsWith(domain.slice(0, -1))) return 1000 + domain.length;
  return -1;
}

function matchesRequest({ match }: Route, request: RoutedRequest): boolean {
  const path = request.path.replace(/[?#].*$/, '');
  const fold = (text: string): string => (match.case_sensitive === false ? text.toLowerCase() : text);
  const given = fold(path);
  if (match.prefix !== undefined && !given.startsWith(fold(match.prefix))) return false;
  if (match.path !== undefined && given !== fold(match.path)) return false;
  if (match.path_separated_prefix !== undefined) {
    const prefix = fold(match.path_separated_prefix);
    if (given !== prefix && !given.startsWith(`${prefix}/`)) return false;
  }
  if (match.safe_regex !== undefined && !new RegExp(`^(?:${match.safe_regex.regex})$`).test(path))
    return false;
  const http = { method: request.method, path: request.path, headers: request.headers };
  return (match.headers ?? []).every((matcher) => matchesHeader(matcher, { http }));
}

/** Which VirtualService holds for a host and client, and its routes as Envoy's (pilot/pkg/networking/core/route). */
import { type Fields, isFields } from '../../../istio/fields.ts';
import { fullHost, hostMatches, isWildcard, visibleIn } from '../../../istio/hostname.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import {
  parseVirtualService,
  type RouteDestination,
  type VirtualService,
} from '../../../istio/virtual-service.ts';
import type { HeaderMatcher, Route, RouteMatch } from '../../sidecar/config/route.ts';
import type { StringMatcher } from '../../sidecar/config/tls.ts';
import { memoize } from '../model/memo.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';
import { outboundClusterName } from './clusters.ts';
import { defaultRoute } from './default-route.ts';
import type { Client } from './visible-services.ts';

const parse = memoize(parseVirtualService);

export interface FoundVirtualService {
  readonly object: KubeObject;
  readonly parsed: VirtualService;
}

/** Exact hosts before wildcards, longer wildcards first; the oldest of equals. Gateways' own routes do not count. */
export function virtualServiceFor(
  model: MeshModel,
  service: MeshService,
  client: Client,
): FoundVirtualService | undefined {
  let best: FoundVirtualService | undefined;
  let bestLength = -1;
  for (const object of model.virtualServices) {
    const parsed = parse(object);
    if (!parsed.gateways.includes('mesh') || !isVisible(model, parsed, client)) continue;
    for (const name of parsed.hosts) {
      const host = fullHost(name, parsed.namespace, model.config.shortNameDomain);
      if (!hostMatches(host, service.host)) continue;
      const length = isWildcard(host) ? host.length : 10_000;
      if (length > bestLength) {
        best = { object, parsed };
        bestLength = length;
      }
    }
  }
  return best;
}

function isVisible(model: MeshModel, { exportTo, namespace }: VirtualService, client: Client): boolean {
  const visible = exportTo.length > 0 ? exportTo : model.config.defaultVirtualServiceExportTo;
  return visibleIn(visible, namespace, client.namespace);
}

/** The HTTP routes of one service port; after a route without conditions nothing more is reached. */
export function httpRoutes(
  model: MeshModel,
  found: FoundVirtualService,
  service: MeshService,
  port: MeshServicePort,
  client: Client,
): readonly Route[] {
  const spec = isFields(found.object.spec) ? found.object.spec : {};
  const routes: Route[] = [];
  for (const item of list(spec.http)) {
    const matches = list(item.match);
    const conditions = matches.length === 0 ? [{}] : matches;
    for (const condition of conditions) {
      if (!appliesTo(condition, port, client)) continue;
      routes.push(buildRoute(model, found.parsed, item, condition, service, port));
    }
  }
  return routes;
}

/** Conditions that istiod itself can decide: the called port and the calling workload. */
function appliesTo(condition: Fields, port: MeshServicePort, client: Client): boolean {
  if (typeof condition.port === 'number' && condition.port !== port.port) return false;
  if (typeof condition.sourceNamespace === 'string' && condition.sourceNamespace !== client.namespace)
    return false;
  return !isFields(condition.sourceLabels) || matchesLabels(texts(condition.sourceLabels), client.labels);
}

function buildRoute(
  model: MeshModel,
  owner: VirtualService,
  item: Fields,
  condition: Fields,
  service: MeshService,
  port: MeshServicePort,
): Route {
  const base = defaultRoute(outboundClusterName(service, port.port), `${service.host}:${port.port}/*`);
  const { name: _name, route: action, ...rest } = base;
  const named = typeof item.name === 'string' && item.name !== '' ? { name: item.name } : {};
  const direct = isFields(item.directResponse) ? item.directResponse.status : undefined;
  if (typeof direct === 'number') {
    return { ...named, match: routeMatch(condition), direct_response: { status: direct } };
  }
  const destinations = list(item.route).flatMap((entry) => {
    const destination = isFields(entry.destination) ? entry.destination : {};
    const weight = typeof entry.weight === 'number' ? entry.weight : undefined;
    const cluster = destinationCluster(model, owner, destinationOf(destination), service, port);
    return cluster === undefined ? [] : [{ name: cluster, weight: weight ?? 100 }];
  });
  const [first] = destinations;
  return {
    ...named,
    ...rest,
    match: routeMatch(condition),
    route: {
      ...action,
      ...(destinations.length === 1 && first !== undefined
        ? { cluster: first.name }
        : { cluster: undefined, weighted_clusters: { clusters: destinations } }),
      ...(typeof item.timeout === 'string' ? { timeout: item.timeout } : {}),
      ...retries(item.retries),
    },
  } as Route;
}

function retries(value: unknown): Partial<NonNullable<Route['route']>> {
  if (!isFields(value) || typeof value.attempts !== 'number') return {};
  if (value.attempts === 0) return {};
  const conditions =
    typeof value.retryOn === 'string'
      ? value.retryOn
      : 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';
  return { retry_policy: { retry_on: conditions, num_retries: value.attempts } };
}

function destinationOf(destination: Fields): RouteDestination {
  const port =
    isFields(destination.port) && typeof destination.port.number === 'number'
      ? destination.port.number
      : undefined;
  return {
    host: String(destination.host ?? ''),
    field: '',
    ...(typeof destination.subset === 'string' && destination.subset !== ''
      ? { subset: destination.subset }
      : {}),
    ...(port === undefined ? {} : { port }),
  };
}

/** The name of the cluster that a destination means, whether there is such a cluster or not. */
export function destinationCluster(
  model: MeshModel,
  owner: VirtualService,
  destination: RouteDestination,
  called: MeshService,
  port: MeshServicePort,
): string | undefined {
  const host = fullHost(destination.host, owner.namespace, model.config.shortNameDomain);
  if (host === '') return undefined;
  const target = model.servicesByHost.get(host) ?? { ...called, host };
  const number =
    destination.port ?? (target.ports.length === 1 ? (target.ports[0]?.port ?? port.port) : port.port);
  return outboundClusterName(target, number, destination.subset);
}

function routeMatch(condition: Fields): RouteMatch {
  const headers: HeaderMatcher[] = [];
  const add = (name: string, value: unknown, invert: boolean): void => {
    if (!isFields(value)) return;
    const matcher = stringMatcher(value);
    const base = matcher === undefined ? { name, present_match: true } : { name, string_match: matcher };
    headers.push(invert ? { ...base, invert_match: true } : base);
  };
  add(':method', condition.method, false);
  add(':authority', condition.authority, false);
  for (const [name, value] of Object.entries(isFields(condition.headers) ? condition.headers : {}))
    add(name, value, false);
  for (const [name, value] of Object.entries(
    isFields(condition.withoutHeaders) ? condition.withoutHeaders : {},
  )) {
    add(name, value, true);
  }
  return {
    ...pathMatch(condition.uri),
    ...(condition.ignoreUriCase === true ? { case_sensitive: false } : {}),
    ...(headers.length === 0 ? {} : { headers }),
  };
}

function pathMatch(uri: unknown): RouteMatch {
  if (!isFields(uri)) return { prefix: '/' };
  if (typeof uri.exact === 'string') return { path: uri.exact };
  if (typeof uri.regex === 'string') return { safe_regex: { regex: uri.regex } };
  if (typeof uri.prefix !== 'string' || uri.prefix === '/') return { prefix: '/' };
  // Istio matches whole segments where the prefix does not end in a slash.
  return uri.prefix.endsWith('/') ? { prefix: uri.prefix } : { path_separated_prefix: uri.prefix };
}

function stringMatcher(value: Fields): StringMatcher | undefined {
  if (typeof value.exact === 'string') return { exact: value.exact };
  if (typeof value.prefix === 'string') return { prefix: value.prefix };
  if (typeof value.regex === 'string') return { safe_regex: { regex: value.regex } };
  return undefined;
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function texts(value: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

/** The clusters of a TCP port, with weights; undefined where no TCP route of the VirtualService takes it. */
export function tcpDestinations(
  model: MeshModel,
  { parsed }: FoundVirtualService,
  service: MeshService,
  port: MeshServicePort,
  client: Client,
): readonly { readonly name: string; readonly weight: number }[] | undefined {
  for (const route of parsed.tcp) {
    if (route.ports.length > 0 && !route.ports.includes(port.port)) continue;
    const sources = route.sources;
    const fits = sources.some(
      ({ namespace, labels }) =>
        (namespace === '' || namespace === client.namespace) && matchesLabels(labels, client.labels),
    );
    if (sources.length > 0 && !fits) continue;
    const clusters = route.destinations.flatMap((destination) => {
      const name = destinationCluster(model, parsed, destination, service, port);
      return name === undefined ? [] : [{ name, weight: destination.weight ?? 100 }];
    });
    const weighted = clusters.filter(({ weight }) => weight > 0);
    return weighted.length > 0 ? weighted : clusters;
  }
  return undefined;
}

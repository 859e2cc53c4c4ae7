/**
 * `/config_dump`: the very objects that the proxy executes, in envoy.admin.v3's JSON. Of the query Envoy's `include_eds`,
 * `resource` and `name_regex` are read; a `mask` is answered with everything.
 */

import type { RouteConfiguration } from '../config/route.ts';
import type { ConfigLoader } from '../config-loader.ts';
import { chainsOf } from '../listener/listener.ts';
import { readStatsInclusion } from '../stats/node-stats.ts';
import type { Secrets } from '../tls/secrets.ts';
import type { AdminContext } from './admin.ts';
import { bootstrap, staticListeners } from './bootstrap.ts';
import { jsonReply, type Reply, textReply } from './reply.ts';

const adminType = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;

export function configDump(context: AdminContext, query: URLSearchParams): Reply {
  const resource = query.get('resource');
  if (resource !== null) return dumpResource(context, resource, query.get('name_regex'));
  const { proxy, loader, startedAt } = context;
  const configs: unknown[] = [
    {
      '@type': adminType('BootstrapConfigDump'),
      bootstrap: bootstrap(proxy.node, readStatsInclusion(proxy.node)),
      last_updated: iso(startedAt),
    },
    {
      '@type': adminType('ClustersConfigDump'),
      version_info: loader.current?.version ?? '',
      dynamic_active_clusters: clusters(loader),
    },
  ];
  if (query.has('include_eds')) {
    configs.push({
      '@type': adminType('EndpointsConfigDump'),
      dynamic_endpoint_configs: endpoints(loader),
    });
  }
  configs.push(
    {
      '@type': adminType('ListenersConfigDump'),
      version_info: loader.current?.version ?? '',
      static_listeners: staticListeners.map((listener) => ({
        listener: { '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener', ...listener },
        last_updated: iso(startedAt),
      })),
      dynamic_listeners: listeners(loader),
    },
    { '@type': adminType('ScopedRoutesConfigDump') },
    {
      '@type': adminType('RoutesConfigDump'),
      static_route_configs: staticRoutes(loader),
      dynamic_route_configs: dynamicRoutes(loader),
    },
    { '@type': adminType('SecretsConfigDump'), dynamic_active_secrets: dumpSecrets(proxy.secrets) },
  );
  return jsonReply({ configs });
}

/** `?resource=dynamic_listeners` prints one list alone, each element with its type. */
function dumpResource(context: AdminContext, resource: string, nameRegex: string | null): Reply {
  const { loader, proxy } = context;
  const lists: Readonly<Record<string, readonly [string, () => readonly NamedDump[]]>> = {
    dynamic_listeners: ['ListenersConfigDump.DynamicListener', () => listeners(loader)],
    dynamic_active_clusters: ['ClustersConfigDump.DynamicCluster', () => clusters(loader)],
    dynamic_endpoint_configs: ['EndpointsConfigDump.DynamicEndpointConfig', () => endpoints(loader)],
    static_route_configs: ['RoutesConfigDump.StaticRouteConfig', () => staticRoutes(loader)],
    dynamic_route_configs: ['RoutesConfigDump.DynamicRouteConfig', () => dynamicRoutes(loader)],
    dynamic_active_secrets: ['SecretsConfigDump.DynamicSecret', () => dumpSecrets(proxy.secrets)],
  };
  const list = lists[resource];
  if (list === undefined) return textReply(`${resource} not found in config dump`, 404);
  const expression = nameRegex === null ? undefined : new RegExp(nameRegex);
  const found = list[1]().filter((item) => expression === undefined || expression.test(nameOf(item)));
  return jsonReply({ configs: found.map((item) => ({ '@type': adminType(list[0]), ...item })) });
}

type NamedDump = Readonly<Record<string, unknown>>;

function nameOf(dump: NamedDump): string {
  for (const value of [dump, dump.cluster, dump.endpoint_config, dump.route_config]) {
    if (typeof value !== 'object' || value === null) continue;
    if ('name' in value && typeof value.name === 'string') return value.name;
    if ('cluster_name' in value && typeof value.cluster_name === 'string') return value.cluster_name;
  }
  return '';
}

function listeners(loader: ConfigLoader): readonly NamedDump[] {
  const states = new Map<string, Record<string, unknown>>();
  for (const [name, { config }] of loader.listeners) {
    states.set(name, {
      name,
      active_state: { listener: config, last_updated: iso(loader.loadedAt(config)) },
    });
  }
  for (const { listener } of loader.draining) {
    const { config } = listener;
    const state = states.get(config.name) ?? { name: config.name };
    state.draining_state = { listener: config, last_updated: iso(loader.loadedAt(config)) };
    states.set(config.name, state);
  }
  return [...states.values()];
}

function clusters(loader: ConfigLoader): readonly NamedDump[] {
  return [...loader.clusters.values()]
    .sort((a, b) => (a.config.name < b.config.name ? -1 : 1))
    .map(({ config }) => ({ cluster: config, last_updated: iso(loader.loadedAt(config)) }));
}

function endpoints(loader: ConfigLoader): readonly NamedDump[] {
  return [...(loader.current?.endpoints.values() ?? [])].map((config) => ({ endpoint_config: config }));
}

function staticRoutes(loader: ConfigLoader): readonly NamedDump[] {
  const routes: NamedDump[] = [];
  for (const { config: listener } of loader.listeners.values()) {
    for (const chain of chainsOf(listener)) {
      for (const filter of chain.filters) {
        if (filter.name !== 'envoy.filters.network.http_connection_manager') continue;
        const config = filter.typed_config.route_config;
        if (config !== undefined) routes.push(route(config, loader.loadedAt(listener)));
      }
    }
  }
  return routes;
}

function dynamicRoutes(loader: ConfigLoader): readonly NamedDump[] {
  return [...(loader.current?.routes.values() ?? [])].map((config) => route(config, loader.loadedAt(config)));
}

function route(config: RouteConfiguration, loadedAt: number): NamedDump {
  const type = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
  return { route_config: { '@type': type, ...config }, last_updated: iso(loadedAt) };
}

/** Private keys are never printed; Envoy redacts them in the same words. */
function dumpSecrets(secrets: Secrets): readonly NamedDump[] {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
  const dumps: NamedDump[] = [];
  const own = secrets.certificate;
  if (own !== undefined) {
    dumps.push({
      name: 'default',
      version_info: own.version,
      last_updated: iso(own.loadedAt),
      secret: {
        '@type': type,
        name: 'default',
        tls_certificate: {
          certificate_chain: { inline_bytes: base64(own.value.chain) },
          private_key: { inline_bytes: base64('[redacted]') },
        },
      },
    });
  }
  const roots = secrets.roots;
  if (roots !== undefined) {
    dumps.push({
      name: 'ROOTCA',
      version_info: roots.version,
      last_updated: iso(roots.loadedAt),
      secret: {
        '@type': type,
        name: 'ROOTCA',
        validation_context: { trusted_ca: { inline_bytes: base64(roots.value.pem) } },
      },
    });
  }
  return dumps;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

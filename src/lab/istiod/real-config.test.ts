import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { ClusterConfig, ClusterLoadAssignment } from '../sidecar/config/cluster.ts';
import type { ListenerConfig } from '../sidecar/config/listener.ts';
import type { ProxyConfig } from '../sidecar/config/proxy-config.ts';
import { ConfigGenerator, Interner } from './generate/proxy-config.ts';
import { buildMeshModel } from './model/mesh-model.ts';

const inputs = new URL('../../../../shared/inputs/envoy/', import.meta.url);
const policies = [
  'none',
  'permissive',
  'strict',
  'disable',
  'portlevel',
  'destinationrule-disable',
  'destinationrule-disable-strict',
  'strict-default-stats',
];

/** What a real istiod was told, and what a real Envoy had loaded. */
function read(policy: string): { readonly objects: readonly KubeObject[]; readonly dump: RealDump } {
  const files = [
    'namespaces',
    'pods',
    'services',
    'endpointslices',
    'istio-configmap',
    'peerauthentications',
    'destinationrules',
  ];
  const objects = files.flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(`${policy}/objects/${file}.yaml`, inputs), 'utf8')).flatMap(
      (document) => {
        const value = document.toJS();
        return value === null ? [] : value.kind === 'List' ? value.items : [value];
      },
    ),
  );
  const dump = JSON.parse(readFileSync(new URL(`${policy}/server/config_dump.json`, inputs), 'utf8'));
  return { objects, dump };
}

interface RealDump {
  readonly configs: readonly Record<string, readonly Record<string, unknown>[]>[];
}

function resources<T>(dump: RealDump, list: string, pick: (item: never) => T): readonly T[] {
  return dump.configs.flatMap((config) => (config[list] ?? []).map((item) => pick(item as never)));
}

function generate(objects: readonly KubeObject[], policy: string): ProxyConfig {
  const model = buildMeshModel(objects);
  const app = policy === 'portlevel' ? 'twoport' : 'httpbin';
  const pod = model.pods.find(({ namespace, labels }) => namespace === 'secure-apps' && labels.app === app);
  if (pod === undefined) throw new Error(`no ${app} among the real pods`);
  return new ConfigGenerator(model, new Interner()).configFor(pod, 'test/1');
}

const skip = !existsSync(inputs);
const reason = '(skipped: no ../shared/inputs)';

test.skipIf(skip).each(policies)(
  `%s: the inbound listener tells connections apart as istiod's does ${reason}`,
  (policy) => {
    const { objects, dump } = read(policy);
    const real = resources(
      dump,
      'dynamic_listeners',
      (item: { active_state: { listener: ListenerConfig } }) => item.active_state.listener,
    ).find(({ name }) => name === 'virtualInbound');
    const own = generate(objects, policy).listeners.get('virtualInbound');
    expect(outline(own)).toEqual(outline(real));
    expect(own?.listener_filters?.map(({ name, filter_disabled }) => [name, filter_disabled])).toEqual(
      real?.listener_filters?.map(({ name, filter_disabled }) => [name, filter_disabled]),
    );
  },
);

function outline(listener: ListenerConfig | undefined) {
  return listener?.filter_chains.map((chain) => ({
    name: chain.name,
    match: chain.filter_chain_match,
    ends: chain.filters.at(-1)?.name,
    requires: chain.transport_socket?.typed_config.require_client_certificate,
    trusts: chain.transport_socket?.typed_config.common_tls_context.combined_validation_context,
  }));
}

test.skipIf(skip).each(policies)(
  `%s: outbound listeners, clusters and endpoints are istiod's ${reason}`,
  (policy) => {
    const { objects, dump } = read(policy);
    const own = generate(objects, policy);
    const listeners = resources(dump, 'dynamic_listeners', (item: { name: string }) => item.name);
    expect(listeners).toEqual(expect.arrayContaining([...own.listeners.keys()]));
    const clusters = resources(
      dump,
      'dynamic_active_clusters',
      (item: { cluster: ClusterConfig }) => item.cluster,
    ).filter(isKnown);
    expect([...own.clusters.values()].map(clusterOutline).sort(byName)).toEqual(
      clusters.map(clusterOutline).sort(byName),
    );
    const endpoints = resources(
      dump,
      'dynamic_endpoint_configs',
      (item: { endpoint_config: ClusterLoadAssignment }) => item.endpoint_config,
    );
    for (const real of endpoints) {
      if (!isKnown({ name: real.cluster_name }) || !own.endpoints.has(real.cluster_name)) continue;
      expect(members(own.endpoints.get(real.cluster_name)), real.cluster_name).toEqual(members(real));
    }
  },
);

/** The objects of other namespaces were not written down. */
function isKnown({ name }: { readonly name: string }): boolean {
  return !name.startsWith('outbound|') || name.endsWith('.secure-apps.svc.cluster.local');
}

function clusterOutline(cluster: ClusterConfig) {
  const tls = (socket: ClusterConfig['transport_socket']) =>
    socket === undefined || !('common_tls_context' in socket.typed_config)
      ? 'raw'
      : {
          sni: socket.typed_config.sni,
          trusts: socket.typed_config.common_tls_context.combined_validation_context,
        };
  return {
    name: cluster.name,
    type: cluster.type,
    bind: cluster.upstream_bind_config,
    http: cluster.typed_extension_protocol_options,
    socket: tls(cluster.transport_socket),
    matches: cluster.transport_socket_matches?.map(({ name, match, transport_socket }) => ({
      name,
      match,
      tls: tls(transport_socket),
    })),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function members(assignment: ClusterLoadAssignment | undefined) {
  return assignment?.endpoints?.flatMap(({ lb_endpoints: list }) =>
    list.map(({ endpoint, metadata }) => ({ address: endpoint.address, metadata })),
  );
}

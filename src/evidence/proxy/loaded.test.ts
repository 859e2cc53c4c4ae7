/** Reading a proxy in parts must find what the whole of it would tell. */
import { expect, test } from 'vitest';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { readProxy } from './loaded.ts';
import { ProxyReader } from './reader.ts';

const types = 'type.googleapis.com/envoy.admin.v3';
const address = (port_value: number) => ({ address: { socket_address: { address: '0.0.0.0', port_value } } });
const tls = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'x/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: {
      tls_certificate_sds_secret_configs: [{ name: 'default' }],
      validation_context_sds_secret_config: { name: 'ROOTCA' },
    },
  },
};
const filters = [{ name: 'envoy.filters.network.echo' }];
const virtualInbound = {
  name: 'virtualInbound',
  traffic_direction: 'INBOUND',
  ...address(15006),
  filter_chains: [{ filters, transport_socket: tls }],
};
const door = { name: 'my-door', ...address(8080), filter_chains: [{ filters }] };
const dynamic = (listener: { readonly name: string }) => ({
  name: listener.name,
  active_state: { listener },
});
const secret = (name: string, content: object) => ({ name, secret: content });
const active = [
  secret('default', { tls_certificate: {} }),
  secret('ROOTCA', { validation_context: { trusted_ca: {} } }),
];

interface Proxy {
  readonly listeners: readonly { readonly name: string }[];
  readonly active: readonly object[];
  readonly warming?: readonly object[];
  readonly draining?: number;
}

/** An Envoy's admin interface, as far as it is asked. */
function answer({ listeners, active: secrets, warming = [], draining = 0 }: Proxy, path: string): unknown {
  const named = (list: readonly object[], type: string) => ({
    configs: list.map((one) => ({ '@type': `${types}.${type}`, ...one })),
  });
  if (path.startsWith('server_info'))
    return { node: { id: 'sidecar~10.0.0.1~cart.shop~shop.svc.cluster.local' } };
  if (path.startsWith('stats')) return `listener_manager.total_filter_chains_draining: ${draining}\n`;
  if (path.startsWith('listeners'))
    return listeners.map(({ name }) => `${name}::0.0.0.0:${portOf(name)}\n`).join('');
  if (path.includes('dynamic_active_secrets')) return named(secrets, 'SecretsConfigDump.DynamicSecret');
  if (path.includes('dynamic_listeners')) {
    const shown = new RegExp(decodeURIComponent(path.split('name_regex=')[1] ?? ''));
    const fitting = listeners.filter(({ name }) => shown.test(name));
    return named(fitting.map(dynamic), 'ListenersConfigDump.DynamicListener');
  }
  return {
    configs: [
      { '@type': `${types}.ListenersConfigDump`, dynamic_listeners: listeners.map(dynamic) },
      {
        '@type': `${types}.SecretsConfigDump`,
        dynamic_active_secrets: secrets,
        dynamic_warming_secrets: warming,
      },
    ],
  };
}

const portOf = (name: string): number => (name === 'virtualInbound' ? 15006 : 8080);

async function read(proxy: Proxy) {
  const asked: string[] = [];
  const cluster = new MemoryCluster({
    exec: (_namespace, _pod, command) => {
      const path = command.at(-1) ?? '';
      asked.push(path);
      const text = answer(proxy, path);
      return { stdout: typeof text === 'string' ? text : JSON.stringify(text), stderr: '', exitCode: 0 };
    },
  });
  const facts = await readProxy(
    new ProxyReader({ cluster, now: () => 0 }),
    'shop',
    'cart',
    [8080],
    '10.0.0.1',
  );
  if (!facts.read) throw new Error(facts.why);
  return { loaded: facts.byPort.get(8080), whole: asked.includes('config_dump') };
}

test('the parts are enough where they hold all', async () => {
  expect(await read({ listeners: [virtualInbound], active })).toMatchObject({
    loaded: { mode: 'STRICT', drainingAcceptsPlaintext: false },
    whole: false,
  });
});

test('a listener on the port by a name of its own is found', async () => {
  expect(await read({ listeners: [virtualInbound, door], active })).toMatchObject({
    loaded: { mode: 'PERMISSIVE', listener: 'my-door, virtualInbound' },
    whole: true,
  });
});

test('a secret that is not among the active ones is looked for: it has not arrived', async () => {
  const [certificate] = active;
  const warming = [{ ...secret('ROOTCA', {}), version_info: 'uninitialized' }];
  expect(await read({ listeners: [virtualInbound], active: [certificate ?? {}], warming })).toMatchObject({
    loaded: { mode: 'REFUSES' },
    whole: true,
  });
});

test('chains that were replaced within a listener drain, and only the counter tells', async () => {
  expect(await read({ listeners: [virtualInbound], active, draining: 2 })).toMatchObject({
    loaded: { mode: 'STRICT', drainingAcceptsPlaintext: true },
  });
});

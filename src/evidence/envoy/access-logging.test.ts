/** What proxies say of their access logs, on real dumps and on what Istio's other settings make of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accessLogging } from './access-logging.ts';
import { type EnvoyDump, parseConfigDump } from './config-dump.ts';

const recordings = join(import.meta.dirname, '../../../../shared/inputs/envoy');

test.skipIf(!existsSync(recordings)).each(['strict', 'permissive', 'disable'])(
  'a real mesh with accessLogFile, %s: requests and refusals are logged',
  (scene) => {
    const text = readFileSync(join(recordings, scene, 'server/config_dump.json'), 'utf8');
    expect(accessLogging(parsed(text))).toMatchObject({ requests: true, refusals: true });
  },
);

const file = (path: string): unknown => ({
  name: 'envoy.access_loggers.file',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
    path,
  },
});
const service = {
  name: 'envoy.access_loggers.open_telemetry',
  typed_config: {
    '@type': 'x/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
  },
};

test.each([
  ['none', [], [], { requests: false, refusals: false }],
  ['disableEnvoyListenerLog', [file('/dev/stdout')], [], { requests: true, refusals: false }],
  [
    'a file in the container',
    [file('/var/log/a')],
    [file('/var/log/a')],
    { requests: false, refusals: false },
  ],
  ['a log service', [service], [service], { requests: false, refusals: false }],
  [
    'a service and the output',
    [service, file('/dev/stdout')],
    [file('/dev/stdout')],
    { requests: true, refusals: true },
  ],
] as const)('%s', (_name, requests, refusals, expected) => {
  expect(accessLogging(dumpWith(requests, refusals))).toEqual({ ...expected, counters: false });
});

test('a dump without an inbound listener says nothing', () => {
  expect(accessLogging(parsed('{"configs":[]}'))).toBeUndefined();
});

function dumpWith(requests: readonly unknown[], refusals: readonly unknown[]): EnvoyDump {
  const filter = (cluster: string, access_log: readonly unknown[]): unknown => ({
    filters: [
      {
        name: 'envoy.filters.network.tcp_proxy',
        typed_config: { '@type': 'x/TcpProxy', cluster, access_log },
      },
    ],
  });
  const listener = {
    '@type': 'x/envoy.config.listener.v3.Listener',
    name: 'virtualInbound',
    filter_chains: [filter('BlackHoleCluster', [file('/dev/stdout')]), filter('inbound|80||', requests)],
    access_log: refusals,
  };
  const dynamic_listeners = [{ name: 'virtualInbound', active_state: { listener } }];
  return parsed(JSON.stringify({ configs: [{ '@type': 'x/ListenersConfigDump', dynamic_listeners }] }));
}

function parsed(text: string): EnvoyDump {
  const dump = parseConfigDump(text, 'a proxy');
  if (dump.kind !== 'envoy') throw new Error('no Envoy');
  return dump;
}

test('Istio’s counters are kept where its filter is, for HTTP or TCP', () => {
  const chain = (filters: readonly unknown[]): string =>
    JSON.stringify({
      configs: [
        {
          '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
          dynamic_listeners: [
            {
              name: 'virtualInbound',
              active_state: { listener: { name: 'virtualInbound', filter_chains: [{ filters }] } },
            },
          ],
        },
      ],
    });
  const stats = { name: 'istio.stats', typed_config: { '@type': 'type.googleapis.com/stats.PluginConfig' } };
  const http = (filters: readonly unknown[]): unknown => ({
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      http_filters: filters,
    },
  });
  expect(accessLogging(parsed(chain([http([stats])])))?.counters).toBe(true);
  expect(accessLogging(parsed(chain([stats])))?.counters).toBe(true);
  expect(accessLogging(parsed(chain([http([])])))?.counters).toBe(false);
});

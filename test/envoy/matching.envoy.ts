/**
 * Generated listeners on a real Envoy: whom it lets in is whom Padlock says, and the chain that a caller meets is among
 * those that Padlock names. `PADLOCK_ENVOY_LISTENERS` makes more of them, `PADLOCK_ENVOY_SEED` the same again.
 */
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfigDump } from '../../src/evidence/envoy/config-dump.ts';
import { type Configured, configured } from '../../src/evidence/envoy/inbound.ts';
import {
  type Call,
  foreignAlpn,
  type Heard,
  make,
  meshHttp,
  meshTcp,
  plaintextCalls,
  tlsCall,
} from './calls.ts';
import { differences } from './compare.ts';
import { listenerPieces } from './generated.ts';
import { createIdentities } from './identities.ts';
import { fileLog, sockets } from './listeners.ts';
import { eventually, findEnvoy, freePorts, startEnvoy } from './real-envoy.ts';

const envoy = await findEnvoy();
const count = Number(process.env.PADLOCK_ENVOY_LISTENERS ?? 60);
const seed = Number(process.env.PADLOCK_ENVOY_SEED ?? Date.now() % 1_000_000);

/** An address of this machine that is none of loopback's: a caller from there is EXTERNAL to Envoy. */
const outside = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const calls: readonly Call[] = [
  ...plaintextCalls,
  ...[meshHttp, meshTcp, foreignAlpn, ['foo'], []].flatMap((alpn) =>
    [undefined, 'a.test', 'x.b.test', 'b.test'].flatMap((name) =>
      (['nobody', 'friend'] as const).map((client) => tlsCall(client, alpn, name)),
    ),
  ),
];
const all: readonly Call[] = [
  ...calls,
  ...(outside === undefined
    ? []
    : calls.map((call) => ({ ...call, name: `${call.name} from outside`, from: outside }))),
];

test.skipIf(envoy === undefined)(`generated listeners (seed ${seed})`, async () => {
  const identities = await createIdentities();
  const ports = await freePorts(count);
  const real = await startEnvoy(envoy ?? '');
  try {
    const pieces = sockets(identities);
    const listeners = ports.map((port, index) => ({
      name: `l${port}`,
      traffic_direction: 'INBOUND',
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
      access_log: [fileLog(real.accessLogPath, `l${port} %DOWNSTREAM_REMOTE_PORT% %FILTER_CHAIN_NAME%\n`)],
      listener_filters_timeout: '0s',
      ...fc.sample(listenerPieces(port, pieces), { numRuns: 1, seed: seed + index })[0],
    }));
    await real.setListeners(listeners);
    const dump = parseConfigDump(await real.get('/config_dump'), 'Envoy');
    if (dump.kind !== 'envoy') throw new Error('expected an Envoy dump');
    const taken = ports.filter((port) =>
      dump.listeners.some(({ name, active }) => name === `l${port}` && active),
    );
    // Envoy refuses listeners with two chains for one match; too many of them and the test says little.
    expect(taken.length).toBeGreaterThan(count / 4);
    const heard = new Map<number, readonly Heard[]>();
    for (const port of taken) {
      heard.set(port, await Promise.all(all.map((call) => make(call, port, identities))));
    }
    const met = await eventually('the access log', async () => {
      const lines = (await real.accessLog()).trimEnd().split('\n');
      return lines.length >= taken.length * all.length ? lines : undefined;
    });
    const chainOf = new Map(met.map((line) => [line.split(' ').slice(0, 2).join(' '), line.split(' ')[2]]));
    const wrong = taken.flatMap((port) => {
      const said = configured(dump, port);
      const answers = heard.get(port) ?? [];
      const found = differences(said, answers).filter(({ kind }) => kind === 'safer');
      const strayed = answers.filter((one) => !names(said, one, chainOf.get(`l${port} ${one.localPort}`)));
      const what = [
        ...found.map((one) => one.what),
        ...strayed.map(({ call, localPort }) => `${call.name} met ${chainOf.get(`l${port} ${localPort}`)}`),
      ];
      return what.length === 0 ? [] : [{ port, said, what }];
    });
    process.stderr.write(`${taken.length} of ${count} listeners taken, ${taken.length * all.length} calls\n`);
    expect(wrong).toEqual([]);
  } finally {
    await real.stop();
  }
});

/** Whether Padlock names the chain for callers of the kind. */
function names(said: Configured, { call }: Heard, met: string | undefined): boolean {
  const kind = said.chains.filter(({ caller }) => caller.startsWith('plaintext') !== call.tls);
  if (met === '-') return true;
  return kind.some(({ chain }) => (chain === 'default filter chain' ? 'default' : chain) === met);
}

/** Every answer that a real mesh gave under eight policies (../shared/inputs/envoy), read as it should be. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type EnvoyDump, parseConfigDump } from './config-dump.ts';
import { configured } from './inbound.ts';
import { outboundClusters } from './outbound.ts';

const folder = join(import.meta.dirname, '../../../../shared/inputs/envoy');
const present = existsSync(folder);

function dump(policy: string, side: 'server' | 'client'): EnvoyDump {
  const parsed = parseConfigDump(
    readFileSync(join(folder, policy, side, 'config_dump.json'), 'utf8'),
    policy,
  );
  if (parsed.kind !== 'envoy') throw new Error('expected an Envoy dump');
  return parsed;
}

describe.skipIf(!present)('dumps of a real mesh (skipped where ../shared/inputs is absent)', () => {
  test.each([
    ['none', 8080, 'PERMISSIVE'],
    ['permissive', 8080, 'PERMISSIVE'],
    ['strict', 8080, 'STRICT'],
    ['strict-default-stats', 8080, 'STRICT'],
    ['disable', 8080, 'DISABLE'],
    ['destinationrule-disable', 8080, 'PERMISSIVE'],
    ['destinationrule-disable-strict', 8080, 'STRICT'],
    ['portlevel', 8080, 'STRICT'],
    ['portlevel', 9090, 'PERMISSIVE'],
    // Ports that no Service declares meet the pass-through chains.
    ['none', 7777, 'PERMISSIVE'],
    ['strict', 7777, 'STRICT'],
    ['disable', 7777, 'DISABLE'],
    ['portlevel', 7777, 'STRICT'],
  ])('under %s port %i is %s', (policy, port, mode) => {
    const answer = configured(dump(policy, 'server'), port);
    expect(answer.mode).toBe(mode);
    expect(answer.listener).toBe('virtualInbound');
    expect(answer.acceptedNames).toEqual(mode === 'DISABLE' ? [] : ['spiffe://cluster.local/*']);
  });

  test('the proxy’s own ports are plaintext under STRICT, and 15006 itself leads nowhere', () => {
    const strict = dump('strict', 'server');
    expect(configured(strict, 15021).mode).toBe('DISABLE');
    expect(configured(strict, 15090).mode).toBe('DISABLE');
    expect(configured(strict, 15006).mode).toBe('REFUSES');
  });

  test('PERMISSIVE refuses foreign TLS on an HTTP port and passes it on an undeclared one; STRICT ends it', () => {
    const permissive = dump('permissive', 'server');
    const foreign = (port: number) =>
      configured(permissive, port).chains.find((chain) => chain.caller === 'foreign-tls');
    expect(foreign(8080)?.chain).toBeUndefined();
    expect(foreign(7777)?.socket?.kind).toBe('raw');
    expect(configured(dump('strict', 'server'), 8080).passesForeignTls).toBe(false);
  });

  test('a listener that drains still takes plaintext on old connections, and the dump tells', () => {
    expect(configured(dump('strict', 'server'), 8080).drainingAcceptsPlaintext).toBe(true);
    expect(configured(dump('permissive', 'server'), 8080).drainingAcceptsPlaintext).toBe(false);
  });

  const httpbin = 'httpbin.secure-apps.svc.cluster.local';
  test.each([
    ['none', 'istio-mtls'],
    ['permissive', 'istio-mtls'],
    ['strict', 'istio-mtls'],
    ['disable', 'plaintext'],
    ['destinationrule-disable', 'plaintext'],
    ['destinationrule-disable-strict', 'plaintext'],
  ])('under %s the client sends %s', (policy, sends) => {
    const [cluster] = outboundClusters(dump(policy, 'client'), httpbin, 8000);
    expect(cluster?.endpoints.map((endpoint) => [endpoint.address, endpoint.sends])).toEqual([
      ['10.77.1.7:8080', sends],
    ]);
    const expected = sends === 'istio-mtls' ? ['spiffe://cluster.local/ns/secure-apps/sa/httpbin'] : [];
    expect(cluster?.endpoints[0]?.expectedServers).toEqual(expected);
  });
});

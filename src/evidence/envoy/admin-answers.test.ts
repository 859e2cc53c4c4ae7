/** The smaller admin answers of a real mesh, and hand-made lines for what it did not say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { judgeCertificates, judgeRoots, renewalDue } from '../certificates/judge.ts';
import { certificatesInCerts, certificatesInDump } from '../certificates/workload-certificates.ts';
import { isIstioServerName, parseAccessLog, parseAccessLogLine } from './access-log.ts';
import { parseClusters } from './clusters.ts';
import { parseConfigDump } from './config-dump.ts';
import { parseListeners } from './listeners.ts';
import { parsePrometheus } from './prometheus.ts';
import { parseServerInfo } from './server-info.ts';
import { parseStats, statsDelta } from './stats.ts';

const folder = join(import.meta.dirname, '../../../../shared/inputs/envoy');
const read = (...path: readonly string[]): string => readFileSync(join(folder, ...path), 'utf8');

describe.skipIf(!existsSync(folder))('a real mesh (skipped where ../shared/inputs is absent)', () => {
  test('access log lines tell mutual TLS, plaintext and refusals apart', () => {
    const entries = parseAccessLog(read('permissive', 'server', 'access.log'));
    expect(entries).toHaveLength(9);
    const [mtls, , , plaintext] = entries;
    expect(mtls).toMatchObject({
      request: 'GET /headers HTTP/1.1',
      status: 200,
      flags: '',
      userAgent: 'curl/7.88.1',
      requestId: 'a79b40e9-0456-4ca5-9be1-df1a9a86e205',
      authority: 'httpbin.secure-apps:8000',
      upstreamCluster: 'inbound|8080||',
      localAddress: '10.77.1.7:8080',
      remoteAddress: '10.77.1.6:51622',
      serverName: 'outbound_.8000_._.httpbin.secure-apps.svc.cluster.local',
    });
    expect(isIstioServerName(mtls?.serverName)).toBe(true);
    expect(plaintext?.serverName).toBeUndefined();
    const refused = parseAccessLog(read('strict', 'server', 'access.log')).filter(
      (entry) => entry.flags === 'NR',
    );
    expect(refused.map((entry) => [entry.details, entry.localAddress, entry.status])).toContainEqual([
      'filter_chain_not_found',
      '10.77.1.7:8080',
      0,
    ]);
  });

  test('certificates: whole from the dump, and the same identity from /certs', () => {
    const dump = parseConfigDump(read('strict', 'server', 'config_dump.json'), 'strict');
    const [set, ...others] = certificatesInDump(dump);
    expect(others).toEqual([]);
    expect(set?.chainIsBroken).toBe(false);
    expect(set?.chain).toHaveLength(1);
    expect(set?.chain[0]).toMatchObject({
      uris: ['spiffe://cluster.local/ns/secure-apps/sa/httpbin'],
      issuer: 'O=cluster.local',
      serial: 'f714faabd25e8780afe601e41b8cb960',
      key: 'RSA 2048',
      signature: 'SHA256-RSA',
      validFrom: '2026-11-24T02:08:18.000Z',
      validTo: '2026-11-25T02:10:18.000Z',
      selfSigned: false,
    });
    expect(set?.roots).toHaveLength(1);
    expect(set?.roots[0]).toMatchObject({ selfSigned: true, isAuthority: true });
    const [summary] = certificatesInCerts(read('strict', 'server', 'certs.json'));
    expect(summary?.chain[0]?.uris).toEqual(set?.chain[0]?.uris);
    expect(summary?.chain[0]?.serial).toBe(set?.chain[0]?.serial);
  });

  test('certificates are judged by the clock, the service account and the roots of the others', () => {
    const dump = parseConfigDump(read('strict', 'server', 'config_dump.json'), 'strict');
    const [set] = certificatesInDump(dump);
    if (set === undefined) throw new Error('no certificate');
    const pod = { ...set, namespace: 'secure-apps', pod: 'httpbin' };
    const id = 'spiffe://cluster.local/ns/secure-apps/sa/httpbin';
    const problems = (expectedId: string, now: string): readonly string[] =>
      judgeCertificates({ ...pod, expectedId }, Date.parse(now)).map((finding) => finding.problem);
    expect(problems(id, '2026-11-24T03:00:00Z')).toEqual([]);
    expect(problems(id, '2026-11-24T17:00:00Z')).toEqual(['not-rotated']);
    expect(problems(id, '2026-11-25T01:30:00Z')).toEqual(['expiring']);
    expect(problems(id, '2026-11-25T03:00:00Z')).toEqual(['expired']);
    expect(problems(id, '2026-11-24T01:00:00Z')).toEqual(['not-yet-valid']);
    expect(problems('spiffe://cluster.local/ns/a/sa/b', '2026-11-24T03:00:00Z')).toEqual(['wrong-identity']);
    expect(set.chain[0] === undefined ? 0 : new Date(renewalDue(set.chain[0])).toISOString()).toBe(
      '2026-11-24T14:09:18.000Z',
    );
    const other = { ...pod, pod: 'other', roots: pod.roots.map((root) => ({ ...root, fingerprint: 'aa' })) };
    expect(judgeRoots([pod, { ...pod, pod: 'twin' }])).toEqual([]);
    expect(judgeRoots([pod, other]).map((finding) => finding.problem)).toEqual([
      'mixed-roots',
      'mixed-roots',
    ]);
  });

  test('stats, Prometheus stats, server info, clusters and listeners read as numbers and names', () => {
    const stats = parseStats(read('strict', 'server', 'stats.txt'));
    expect(stats.get('listener.0.0.0.0_15006.ssl.handshake')).toBeGreaterThan(0);
    expect(stats.get('listener.0.0.0.0_15006.no_filter_chain_match')).toBeGreaterThan(0);
    const samples = parsePrometheus(read('strict', 'server', 'stats.prometheus.txt'), (name) =>
      name.startsWith('envoy_listener_no_filter_chain_match'),
    );
    expect(
      samples.some(({ labels, value }) => labels.listener_address === '0.0.0.0_15006' && value > 0),
    ).toBe(true);
    const info = parseServerInfo(read('strict', 'server', 'server_info.json'));
    expect(info).toMatchObject({ version: '1.40.0', state: 'LIVE' });
    expect(info.nodeId).toMatch(/^sidecar~10\.77\.1\.7~httpbin/);
    const hosts = parseClusters(read('strict', 'client', 'clusters.json'));
    const httpbin = hosts.find(
      (host) => host.cluster === 'outbound|8000||httpbin.secure-apps.svc.cluster.local',
    );
    expect(httpbin).toMatchObject({ address: '10.77.1.7:8080', health: 'HEALTHY' });
    expect(httpbin?.counters.rq_success).toBeGreaterThan(0);
    expect(parseListeners(read('strict', 'server', 'listeners.json'))).toContainEqual({
      name: '0.0.0.0_15090',
      address: '0.0.0.0',
      port: 15090,
    });
  });
});

test('an access log as JSON reads the same, and other lines are none', () => {
  const line = JSON.stringify({
    start_time: '2026-11-24T02:12:45.895Z',
    method: 'GET',
    path: '/x',
    protocol: 'HTTP/2',
    response_code: 503,
    response_flags: 'UF',
    requested_server_name: '-',
    downstream_remote_address: '10.0.0.1:4000',
  });
  expect(parseAccessLogLine(line)).toMatchObject({ request: 'GET /x HTTP/2', status: 503, flags: 'UF' });
  expect(parseAccessLogLine(line)?.serverName).toBeUndefined();
  for (const other of ['', '{"level":"info"}', '{cut', '[warning] x', '2026-11-24T02:12:45Z\tinfo\tready']) {
    expect(parseAccessLogLine(other)).toBeUndefined();
  }
});

test('Prometheus labels may hold quotes, braces and commas; a counter that fell was reset', () => {
  const text = '# HELP a b\na{x="1,\\"}",y=""} 3 1700000000\nb 4\nc{} NaN\nd{broken 1\n';
  expect(parsePrometheus(text)).toEqual([
    { name: 'a', labels: { x: '1,"}', y: '' }, value: 3 },
    { name: 'b', labels: {}, value: 4 },
  ]);
  const before = parseStats('a: 5\nb: 9\nlistener.[::]:80.x: 1\nh: P0(nan,1.0)\n');
  expect([...statsDelta(before, parseStats('a: 7\nb: 2\nlistener.[::]:80.x: 1\n'))]).toEqual([
    ['a', 2],
    ['b', 2],
  ]);
});

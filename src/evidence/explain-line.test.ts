import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { symptoms } from '../mesh/explain/symptoms.ts';
import { explainLine } from './explain-line.ts';

/** Lines as they were printed, by Envoy, ztunnel, curl, Go and OpenSSL. */
const lines: readonly (readonly [line: string, id: string, wrong: string])[] = [
  ['NR filter_chain_not_found', 'filter-chain-not-found', 'client'],
  ['upstream_reset_before_response_started{connection_termination}', 'connection-termination', 'client'],
  [
    'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    'connection-termination',
    'client',
  ],
  ['WRONG_VERSION_NUMBER', 'wrong-version-number', 'either'],
  [
    'TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
    'wrong-version-number',
    'either',
  ],
  [
    'curl: (35) OpenSSL/3.0.13: error:0A00010B:SSL routines::wrong version number',
    'wrong-version-number',
    'either',
  ],
  ['tls: first record does not look like a TLS handshake', 'wrong-version-number', 'either'],
  ['CERTIFICATE_VERIFY_FAILED', 'verify-failed', 'either'],
  [
    'TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_verify_SAN_list:TLS_error_end',
    'san-mismatch',
    'either',
  ],
  ['x509: certificate has expired or is not yet valid', 'certificate-expired', 'either'],
  [
    'error access connection complete src.addr=10.1.0.4:51002 dst.addr=10.1.0.9:8080 direction="inbound" error="connection closed due to policy rejection: allow policies exist, but none allowed"',
    'ztunnel-policy',
    'client',
  ],
  [
    'connection closed due to policy rejection: explicitly denied by: istio-system/istio_converted_static_strict',
    'ztunnel-strict',
    'client',
  ],
  ['curl: (56) Recv failure: Connection reset by peer', 'reset-by-peer', 'client'],
  ['Recv failure: Connection reset by peer', 'reset-by-peer', 'client'],
  [
    'error trying to reach service: read tcp 10.0.0.1:4->10.0.0.2:8080: read: connection reset by peer',
    'reset-by-peer',
    'client',
  ],
  ['curl: (52) Empty reply from server', 'reset-by-peer', 'client'],
  ['TLSV13_ALERT_CERTIFICATE_REQUIRED', 'certificate-required', 'client'],
  ['tlsv1 alert unknown ca', 'certificate-refused', 'either'],
  ['remote error: tls: unknown certificate authority', 'certificate-refused', 'either'],
  ['RBAC: access denied', 'access-denied', 'either'],
  ['400 DPE http1.codec_error', 'codec-error', 'client'],
  ['503 NC cluster_not_found', 'cluster-not-found', 'client'],
  ['no healthy upstream', 'no-healthy-upstream', 'server'],
  [
    '503 UF,URX upstream_reset_before_response_started{remote_connection_failure}',
    'connection-failure',
    'either',
  ],
  ['connect: connection refused', 'connection-refused', 'neither'],
];

test.each(lines)('%s', (line, id, wrong) => {
  expect(explainLine(line).symptom).toMatchObject({ id, wrong });
});

test('what has nothing to do with mutual TLS is not explained', () => {
  for (const line of ['', 'hello world', 'GET /headers 200', 'level=info msg="started"', 'NCSA', 'DPEX']) {
    expect(explainLine(line).symptom, line).toBeUndefined();
  }
});

test('each explanation can be reached, has checks, and no two are the same', () => {
  const reached = new Set(lines.map(([, id]) => id));
  expect(new Set(symptoms.map(({ id }) => id)).size).toBe(symptoms.length);
  for (const { id, checks, means } of symptoms) {
    expect(checks.length, id).toBeGreaterThan(0);
    expect(means, id).toMatch(/\.$/);
  }
  expect(reached.size).toBeGreaterThan(15);
});

test('the caller and the server of a server’s line, and the host of a client’s', () => {
  const refused =
    '[2026-11-24T02:13:43.483Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 2 - "-" "-" "-" "-" "-" - - 10.77.1.7:8080 10.77.1.5:50308 httpbin.secure-apps -';
  expect(explainLine(refused)).toMatchObject({
    side: 'server',
    from: '10.77.1.5',
    to: { name: '10.77.1.7', port: 8080 },
  });
  const reset =
    '[2026-11-24T02:13:54.671Z] "GET /headers HTTP/1.1" 503 UC upstream_reset_before_response_started{connection_termination} - "-" 0 95 2 - "-" "curl/7.88.1" "id" "httpbin.secure-apps:8000" "10.77.1.7:8080" outbound|8000||httpbin.secure-apps.svc.cluster.local 10.77.1.6:42196 10.96.1.2:8000 10.77.1.6:42184 - default';
  expect(explainLine(reset)).toMatchObject({
    side: 'client',
    from: '10.77.1.6',
    to: { name: 'httpbin.secure-apps.svc.cluster.local', port: 8000 },
  });
  const ztunnel = explainLine(lines.find(([, id]) => id === 'ztunnel-policy')?.[0] ?? '');
  expect(ztunnel).toMatchObject({ side: 'server', from: '10.1.0.4', to: { name: '10.1.0.9', port: 8080 } });
});

test('every line of real access logs that tells of trouble has an explanation', (context) => {
  const folder = resolve(import.meta.dirname, '../../../shared/inputs/envoy');
  if (!existsSync(folder)) return context.skip('../shared/inputs/envoy is not here');
  let told = 0;
  for (const name of readdirSync(folder)) {
    for (const side of ['client', 'server']) {
      const log = join(folder, name, side, 'access.log');
      if (!existsSync(log)) continue;
      for (const line of readFileSync(log, 'utf8').split('\n')) {
        const { entry, symptom } = explainLine(line);
        if (entry === undefined || entry.flags === '') continue;
        told++;
        expect(symptom, line).toBeDefined();
      }
    }
  }
  expect(told).toBeGreaterThan(20);
});

import { expect, test } from 'vitest';
import { meshOf } from '../../mesh/findings/testing/manifests.ts';
import { parseAccessLog } from '../envoy/access-log.ts';
import { accessLogRecords } from './access-log-records.ts';
import { addressBook } from './address-book.ts';

const mesh = meshOf(`
apiVersion: v1
kind: Pod
metadata: { name: orders, namespace: shop }
spec: { containers: [{ name: app, image: app }] }
status: { phase: Running, podIP: 10.244.0.3, podIPs: [{ ip: 10.244.0.3 }] }
`);

/** Lines that a real Envoy 1.40 under STRICT wrote for port 9000, a TCP port. */
function recordsOf(...lines: readonly string[]) {
  const [workload] = mesh.workloads;
  if (workload === undefined) throw new Error('no workload');
  const entries = parseAccessLog(lines.join('\n')).map((entry) => ({ entry, at: Date.parse(entry.time) }));
  return accessLogRecords(workload, new Set(['10.244.0.3']), entries, addressBook([mesh])).map(
    ({ port, security, refused = false }) => ({ port, security, refused }),
  );
}

test('a TLS handshake that failed on a TCP port, without a certificate, is not plaintext that was taken', () => {
  const failed =
    '[2026-11-27T00:51:17.665Z] "- - -" 0 - - - "-" 0 0 73 - "-" "-" "-" "-" "10.244.0.3:9000" inbound|9000|| 127.0.0.6:33924 10.244.0.3:9000 10.244.0.4:36424 - -';
  expect(recordsOf(failed)).toEqual([]);
  // A server that speaks first: the greeting is counted as sent, though the caller never got it.
  expect(recordsOf(failed.replace('"-" 0 0 73', '"-" 0 11 3'))).toEqual([]);
  // With a foreign certificate the client may name any server, also as Istio does.
  expect(
    recordsOf(failed.replace('36424 - -', '36424 outbound_.9000_._.orders.shop.svc.cluster.local -')),
  ).toEqual([]);
});

test('a TCP connection with bytes is plaintext or mutual TLS by its server name, a refused one has none', () => {
  const plain =
    '[2026-11-27T00:51:17.665Z] "- - -" 0 - - - "-" 82 82 73 - "-" "-" "-" "-" "10.244.0.3:9000" inbound|9000|| 127.0.0.6:33924 10.244.0.3:9000 10.244.0.4:36424 - -';
  const refused =
    '[2026-11-27T00:51:17.392Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.244.0.3:9000 10.244.0.1:58808 - -';
  expect(
    recordsOf(
      plain,
      plain.replace('36424 - -', '36424 outbound_.9000_._.orders.shop.svc.cluster.local -'),
      refused,
    ),
  ).toEqual([
    { port: 9000, security: 'plaintext', refused: false },
    { port: 9000, security: 'mtls', refused: false },
    { port: 9000, security: 'plaintext', refused: true },
  ]);
});

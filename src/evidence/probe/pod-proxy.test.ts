/** Answers of a real API server (1.36) and a real sidecar, as the pod proxy hands them on. */
import { expect, test } from 'vitest';
import { readPlaintextCurl } from './curl.ts';
import { readFailure, readXfcc } from './mutual-tls.ts';
import { readPodProxyAnswer } from './pod-proxy.ts';

const status = (code: number, message: string, details: object = {}) => ({
  status: code,
  headers: {},
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, details, code }),
});

test.each([
  [
    503,
    'error trying to reach service: read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer',
    'reset',
  ],
  [500, 'read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer', 'reset'],
  [503, 'error trying to reach service: EOF', 'closed'],
  [500, 'unexpected EOF', 'closed'],
  [503, 'error trying to reach service: dial tcp 10.0.0.2:2: connect: connection refused', 'nothing-listens'],
  [500, 'error dialing backend: dial tcp 10.0.0.2:2: connect: connection refused', 'nothing-listens'],
  [503, 'error trying to reach service: dial tcp 10.0.0.2:2: i/o timeout', 'dropped'],
  [503, 'error trying to reach service: read tcp 10.0.0.1:1->10.0.0.2:2: i/o timeout', 'timeout'],
  [503, 'error trying to reach service: dial tcp 10.0.0.2:2: connect: connection timed out', 'dropped'],
  [504, 'error trying to reach service: context deadline exceeded', 'timeout'],
  [503, 'error trying to reach service: dial tcp 10.0.0.2:2: connect: no route to host', 'unreachable'],
  [
    503,
    'error trying to reach service: net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-x"',
    'answered',
  ],
  [500, 'malformed HTTP response "\\x15\\x03\\x01"', 'answered'],
  [500, 'Internal error occurred: invalid upgrade response: status code 200', 'answered'],
  [
    403,
    'pods "a:80" is forbidden: User "jane" cannot get resource "pods/proxy" in API group ""',
    'not-allowed',
  ],
  [404, 'pods "zz" not found', 'not-run'],
  [500, 'etcdserver: request timed out', 'timeout'],
])('HTTP %i "%s" is %s', (code, message, kind) => {
  expect(readPodProxyAnswer(status(code, message)).kind).toBe(kind);
});

test('what the pod answered itself is an answer, whatever its status, and the proxy’s own answers are told apart', () => {
  const answer = (code: number, body: string, headers = {}) =>
    readPodProxyAnswer({ status: code, headers, body });
  expect(answer(200, '{"headers":{}}')).toMatchObject({ kind: 'answered', by: 'application' });
  expect(answer(403, 'RBAC: access denied', { server: 'istio-envoy' })).toMatchObject({
    kind: 'answered',
    detail: 'HTTP 403 (istio-envoy)',
  });
  expect(answer(503, 'upstream connect error or disconnect/reset before headers')).toMatchObject({
    kind: 'answered',
    by: 'proxy',
  });
  expect(answer(503, '<html>busy</html>')).toMatchObject({ kind: 'answered' });
});

test.each([
  [56, 'curl: (56) Recv failure: Connection reset by peer', 'reset'],
  [52, 'curl: (52) Empty reply from server', 'closed'],
  [7, 'curl: (7) Failed to connect to 10.0.0.2 port 80 after 0 ms: Connection refused', 'nothing-listens'],
  [7, 'curl: (7) Failed to connect: No route to host', 'unreachable'],
  [28, 'curl: (28) Connection timed out after 8000 milliseconds', 'dropped'],
  [28, 'curl: (28) Failed to connect to 10.0.0.2 port 80 after 8001 ms: Timeout was reached', 'dropped'],
  [28, 'curl: (28) Operation timed out after 8001 milliseconds with 0 bytes received', 'timeout'],
  [1, 'curl: (1) Received HTTP/0.9 when not allowed', 'answered'],
  [6, 'curl: (6) Could not resolve host', 'not-run'],
])('curl’s %i is %s', (exitCode, stderr, kind) => {
  expect(readPlaintextCurl({ exitCode, status: 0, body: '', stderr }).kind).toBe(kind);
});

test('a client’s sidecar says why a request failed: TLS is told from everything else', () => {
  const seen = (status: number, body: string) => readFailure({ exitCode: 0, status, body, stderr: '' })?.kind;
  const start = 'upstream connect error or disconnect/reset before headers. ';
  expect(seen(503, `${start}reset reason: connection termination`)).toBe('unavailable');
  expect(
    seen(
      503,
      `${start}retried and the latest reset reason: remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end`,
    ),
  ).toBe('tls-failed');
  // The server's proxy answers this, so the request got there: its records decide.
  expect(
    seen(
      503,
      `${start}reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused`,
    ),
  ).toBeUndefined();
  expect(seen(404, 'not found')).toBeUndefined();
  expect(
    readFailure({
      exitCode: 28,
      status: 0,
      body: '',
      stderr: 'curl: (28) Operation timed out after 2001 milliseconds with 0 bytes received',
    }),
  ).toBeUndefined();
  expect(
    readFailure({ exitCode: 28, status: 0, body: '', stderr: 'curl: (28) Connection timed out' })?.kind,
  ).toBe('unavailable');
});

test('identities are read from a header that the application shows, JSON or plain', () => {
  const header = 'By=spiffe://td/ns/a/sa/server;Hash=00;Subject="";URI=spiffe://td/ns/a/sa/client';
  const expected = [
    expect.objectContaining({ by: 'spiffe://td/ns/a/sa/server', uri: ['spiffe://td/ns/a/sa/client'] }),
  ];
  expect(readXfcc(JSON.stringify({ headers: { 'X-Forwarded-Client-Cert': [header] } }))).toEqual(expected);
  expect(readXfcc(`X-Forwarded-Client-Cert: ${header}\nHost: a\n`)).toEqual(expected);
  expect(readXfcc('nothing')).toEqual([]);
});

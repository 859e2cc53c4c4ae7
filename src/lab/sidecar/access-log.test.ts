import { expect, test } from 'vitest';
import { compileAccessLog, type StreamRecord } from './access-log.ts';

const istioFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

// Both lines are what a real Envoy wrote for such streams.
test('a request over mutual TLS', () => {
  const record: StreamRecord = {
    startedAt: Date.parse('2026-11-24T02:12:45.895Z'),
    durationMs: 1,
    method: 'GET',
    path: '/headers',
    protocol: 'HTTP/1.1',
    requestHeaders: new Map([
      ['host', 'httpbin.secure-apps:8000'],
      ['user-agent', 'curl/7.88.1'],
      ['x-request-id', 'a79b40e9-0456-4ca5-9be1-df1a9a86e205'],
    ]),
    responseHeaders: new Map([['x-envoy-upstream-service-time', '1']]),
    responseCode: 200,
    flags: [],
    responseCodeDetails: 'via_upstream',
    bytesReceived: 0,
    bytesSent: 561,
    upstreamHost: '10.77.1.7:8080',
    upstreamCluster: 'inbound|8080||',
    upstreamLocalAddress: '127.0.0.6:48106',
    downstreamLocalAddress: '10.77.1.7:8080',
    downstreamRemoteAddress: '10.77.1.6:51622',
    requestedServerName: 'outbound_.8000_._.httpbin.secure-apps.svc.cluster.local',
    routeName: 'default',
  };
  expect(compileAccessLog(istioFormat)(record)).toBe(
    '[2026-11-24T02:12:45.895Z] "GET /headers HTTP/1.1" 200 - via_upstream - "-" 0 561 1 1 "-" "curl/7.88.1" "a79b40e9-0456-4ca5-9be1-df1a9a86e205" "httpbin.secure-apps:8000" "10.77.1.7:8080" inbound|8080|| 127.0.0.6:48106 10.77.1.7:8080 10.77.1.6:51622 outbound_.8000_._.httpbin.secure-apps.svc.cluster.local default\n',
  );
});

test('a plaintext connection that STRICT refused', () => {
  const record: StreamRecord = {
    startedAt: Date.parse('2026-11-24T02:13:54.672Z'),
    durationMs: 0,
    responseCode: 0,
    flags: ['NR'],
    responseCodeDetails: 'filter_chain_not_found',
    bytesReceived: 0,
    bytesSent: 0,
    downstreamLocalAddress: '10.77.1.7:8080',
    downstreamRemoteAddress: '10.77.1.6:55148',
  };
  expect(compileAccessLog(istioFormat)(record)).toBe(
    '[2026-11-24T02:13:54.672Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.77.1.7:8080 10.77.1.6:55148 - -\n',
  );
});

test('failures are joined without spaces', () => {
  const line = compileAccessLog('%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "%NO_SUCH_OPERATOR%"')({
    startedAt: 0,
    durationMs: 0,
    responseCode: 503,
    flags: ['URX', 'UF'],
    responseCodeDetails: 'upstream_reset_before_response_started{remote connection failure}',
    bytesReceived: 0,
    bytesSent: 0,
    downstreamLocalAddress: '',
    downstreamRemoteAddress: '',
  });
  expect(line).toBe('URX,UF upstream_reset_before_response_started{remote_connection_failure} "-"');
});

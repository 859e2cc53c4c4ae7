/** Istio's default access log (pilot/pkg/model/log.go), which goes to the container's standard output. */
import { type AccessLog, fileAccessLogType } from '../../sidecar/config/listener.ts';

const format =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

const typedConfig = {
  '@type': fileAccessLogType,
  path: '/dev/stdout',
  log_format: { text_format_source: { inline_string: format } },
} as const;

/** Every request and connection. */
export const accessLog: readonly AccessLog[] = [
  { name: 'envoy.access_loggers.file', typed_config: typedConfig },
];

/** Connections that no filter chain takes: what STRICT refuses. */
export const listenerAccessLog: readonly AccessLog[] = [
  {
    name: 'envoy.access_loggers.file',
    filter: { response_flag_filter: { flags: ['NR'] } },
    typed_config: typedConfig,
  },
];

/**
 * Istio's default access log (pilot/pkg/model/log.go), which goes to the container's standard output, and who keeps one:
 * the most specific Telemetry with access logging decides, else the mesh config (pilot/pkg/model/telemetry.go).
 */
import { type Fields, isFields } from '../../../istio/fields.ts';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Pod } from '../../../istio/pod.ts';
import {
  type AccessLog,
  type FilterChain,
  fileAccessLogType,
  type ListenerConfig,
} from '../../sidecar/config/listener.ts';
import type { MeshModel } from '../model/mesh-model.ts';

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

/** Whether the pod's proxy keeps an access log. Telemetry's provider is `envoy`, the only one that Istio brings along. */
export function keepsAccessLog(model: MeshModel, pod: Pick<Pod, 'namespace' | 'labels'>): boolean {
  const { config, telemetries } = model;
  const own = telemetries.get(pod.namespace) ?? [];
  const root = telemetries.get(config.rootNamespace) ?? [];
  const levels = [
    root.find((one) => selectorOf(one) === undefined),
    own.find((one) => selectorOf(one) === undefined),
    own.find((one) => {
      const labels = selectorOf(one);
      return labels?.every(([key, value]) => pod.labels[key] === value) === true;
    }),
  ];
  const decisive = levels.map(loggingOf).findLast((logging) => logging !== undefined);
  return decisive ?? config.accessLogFile !== '';
}

/** @returns undefined where the resource selects nothing in particular */
function selectorOf({ spec }: KubeObject): readonly (readonly [string, unknown])[] | undefined {
  const selector = isFields(spec) && isFields(spec.selector) ? spec.selector.matchLabels : undefined;
  const labels = Object.entries(isFields(selector) ? selector : {});
  return labels.length === 0 ? undefined : labels;
}

/** @returns undefined where the resource says nothing of access logs */
function loggingOf(telemetry: KubeObject | undefined): boolean | undefined {
  const entries = fieldsIn(isFields(telemetry?.spec) ? telemetry.spec.accessLogging : undefined);
  if (entries.length === 0) return undefined;
  return entries.some(
    ({ disabled, providers }) =>
      disabled !== true &&
      (providers === undefined || fieldsIn(providers).some(({ name }) => name === 'envoy')),
  );
}

function fieldsIn(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.filter(isFields) : [];
}

/** The listener without any access log. */
export function silenced(listener: ListenerConfig): ListenerConfig {
  const { access_log: _log, default_filter_chain: last, ...rest } = listener;
  return {
    ...rest,
    filter_chains: listener.filter_chains.map(silencedChain),
    ...(last === undefined ? {} : { default_filter_chain: silencedChain(last) }),
  };
}

function silencedChain(chain: FilterChain): FilterChain {
  return {
    ...chain,
    filters: chain.filters.map((filter) => {
      if (!('access_log' in filter.typed_config)) return filter;
      const { access_log: _log, ...config } = filter.typed_config;
      return { ...filter, typed_config: config } as typeof filter;
    }),
  };
}

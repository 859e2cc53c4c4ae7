/**
 * Whether a proxy writes what it serves, and what it refuses, where `kubectl logs` shows it: read from its listeners. Istio
 * writes no access log unless the mesh config (`accessLogFile`) or a Telemetry asks for one, and writes refusals by the
 * listener's own log, which `disableEnvoyListenerLog` turns off by itself.
 */
import { asObjects, asText, type JsonObject } from '../../sources/json-value.ts';
import type { EnvoyDump } from './config-dump.ts';
import { extensionConfig, field, path } from './proto-json.ts';

export interface AccessLogging {
  /** Requests and connections that were taken in: they name who sends plaintext. */
  readonly requests: boolean;
  /** Connections that no filter chain took, as STRICT refuses plaintext. */
  readonly refusals: boolean;
  /** Istio's own counters, `istio_requests_total` and its like: only a proxy with the filter `istio.stats` keeps them. */
  readonly counters: boolean;
}

/** For people, with what turns it on. */
export const accessLoggingOff = 'access logging is off (meshConfig.accessLogFile or a Telemetry turns it on)';

/** @returns undefined where the dump has no listener that captured connections enter */
export function accessLogging(dump: EnvoyDump): AccessLogging | undefined {
  const listener = dump.listeners.find(({ name }) => name === 'virtualInbound')?.active;
  if (listener === undefined) return undefined;
  const chains = [...asObjects(field(listener, 'filter_chains')), field(listener, 'default_filter_chain')];
  const filters = chains.flatMap((chain) => asObjects(field(chain, 'filters')));
  const logs = filters
    .map((filter) => extensionConfig(filter).message)
    // Connections to the capture port itself are not logged by Istio, whatever is set.
    .filter((config) => field(config, 'cluster') !== 'BlackHoleCluster')
    .map((config) => writes(field(config, 'access_log')));
  return {
    requests: logs.includes(true),
    refusals: writes(field(listener, 'access_log')),
    counters: filters.some(countsForIstio),
  };
}

/** As a network filter for TCP, and among an HTTP filter's own. */
function countsForIstio(filter: JsonObject): boolean {
  const own = asObjects(field(extensionConfig(filter).message, 'http_filters'));
  return [filter, ...own].some((one) => asText(field(one, 'name')) === 'istio.stats');
}

const shown: ReadonlySet<string> = new Set(['/dev/stdout', '/dev/stderr']);

/** Only what goes to the container's output can be read from outside; other files and log services cannot. */
function writes(logs: unknown): boolean {
  return asObjects(logs).some((log: JsonObject) => {
    const { type, message } = extensionConfig(log);
    if (type === 'StdoutAccessLog' || type === 'StderrAccessLog') return true;
    return type === 'FileAccessLog' && shown.has(asText(path(message, 'path')) ?? '');
  });
}

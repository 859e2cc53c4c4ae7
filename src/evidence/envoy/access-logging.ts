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
}

/** For people, with what turns it on. */
export const accessLoggingOff = 'access logging is off (meshConfig.accessLogFile or a Telemetry turns it on)';

/** @returns undefined where the dump has no listener that captured connections enter */
export function accessLogging(dump: EnvoyDump): AccessLogging | undefined {
  const listener = dump.listeners.find(({ name }) => name === 'virtualInbound')?.active;
  if (listener === undefined) return undefined;
  const chains = [...asObjects(field(listener, 'filter_chains')), field(listener, 'default_filter_chain')];
  const logs = chains
    .flatMap((chain) => asObjects(field(chain, 'filters')))
    .map((filter) => extensionConfig(filter).message)
    // Connections to the capture port itself are not logged by Istio, whatever is set.
    .filter((config) => field(config, 'cluster') !== 'BlackHoleCluster')
    .map((config) => writes(field(config, 'access_log')));
  return { requests: logs.includes(true), refusals: writes(field(listener, 'access_log')) };
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

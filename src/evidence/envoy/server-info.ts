/** Envoy's `/server_info`: which version runs, since when, and as whom. */
import { asObject, asText } from '../../sources/json-value.ts';
import { field, path } from './proto-json.ts';

export interface ServerInfo {
  /** `1.40.0`; empty where the answer has none. */
  readonly version: string;
  /** `LIVE`, `DRAINING`, `PRE_INITIALIZING`, `INITIALIZING`. */
  readonly state: string;
  readonly uptimeSeconds: number;
  readonly nodeId: string;
  /** Istio's version of the proxy, from its node metadata: `1.27.1`. */
  readonly istioVersion: string;
}

/** @throws SyntaxError where the text is not JSON */
export function parseServerInfo(text: string): ServerInfo {
  const info = asObject(JSON.parse(text));
  return {
    // COMMIT/VERSION/STATE/BUILD/SSL
    version: asText(field(info, 'version'))?.split('/')[1] ?? '',
    state: asText(field(info, 'state')) ?? '',
    uptimeSeconds: Number.parseInt(asText(field(info, 'uptime_current_epoch')) ?? '0', 10),
    nodeId: asText(path(info, 'node', 'id')) ?? '',
    istioVersion: asText(path(info, 'node', 'metadata', 'ISTIO_VERSION')) ?? '',
  };
}

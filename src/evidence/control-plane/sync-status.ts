/**
 * What istiod sent to each proxy and what the proxy acknowledged: the answer of istiod's `/debug/syncz` (a list of
 * nonces, and since Istio 1.25 `resources` by type), or of the xDS call behind `istioctl proxy-status` (ClientConfig).
 */
import { asObject, asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import { field } from '../envoy/proto-json.ts';

export interface ProxySync {
  /** `NAMESPACE/POD`. */
  readonly pod: string;
  readonly istioVersion: string;
  /** Kinds of configuration whose last version was not acknowledged: `listener`, `cluster`, `route`. */
  readonly stale: readonly string[];
  /** What the proxy answered to a version that it refused. */
  readonly error?: string;
  /** The nonces that are not acknowledged, to tell a proxy that hangs from one that is just being sent something. */
  readonly sent: string;
}

/** @throws SyntaxError where the text is not JSON */
export function parseSyncStatus(text: string): readonly ProxySync[] {
  const parsed: unknown = JSON.parse(text);
  const entries = Array.isArray(parsed) ? asObjects(parsed) : asObjects(asObject(parsed).resources);
  return entries.map(readEntry).filter((entry) => entry !== undefined);
}

function readEntry(entry: JsonObject): ProxySync | undefined {
  const node = field(entry, 'node');
  const pod = podOf(asText(entry.proxy) ?? asText(field(node, 'id')) ?? '');
  if (pod === undefined) return undefined;
  const metadata = field(node, 'metadata');
  const version = asText(entry.istio_version) ?? asText(asObject(metadata).ISTIO_VERSION) ?? '';
  return { pod, istioVersion: version, ...staleParts(entry) };
}

/** `httpbin-1.shop`, or a whole node id: `sidecar~10.0.0.1~httpbin-1.shop~shop.svc.cluster.local`. */
function podOf(id: string): string | undefined {
  const name = id.split('~')[2] ?? id;
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? undefined : `${name.slice(dot + 1)}/${name.slice(0, dot)}`;
}

const kinds = ['cluster', 'listener', 'route', 'endpoint'] as const;

function staleParts(entry: JsonObject): Pick<ProxySync, 'stale' | 'sent' | 'error'> {
  const generic = asObjects(field(entry, 'generic_xds_configs'));
  if (generic.length > 0) return fromClientConfig(generic);
  const resources = entry.resources;
  if (isObject(resources)) return fromResources(resources);
  const stale = kinds.filter((kind) => {
    const sent = asText(entry[`${kind}_sent`]) ?? '';
    return sent !== '' && sent !== (asText(entry[`${kind}_acked`]) ?? '');
  });
  return { stale, sent: stale.map((kind) => asText(entry[`${kind}_sent`]) ?? '').join(' ') };
}

function fromResources(resources: JsonObject): Pick<ProxySync, 'stale' | 'sent' | 'error'> {
  const all = Object.entries(resources).map(([type, status]) => ({
    kind: kindOf(type),
    sent: asText(asObject(status).sent) ?? '',
    acked: asText(asObject(status).acked) ?? '',
    error: asText(asObject(status).lastError),
  }));
  const stale = all.filter(({ sent, acked }) => sent !== '' && sent !== acked);
  const error = all.find((one) => one.error !== undefined && one.error !== '')?.error;
  return {
    stale: stale.map(({ kind }) => kind),
    sent: stale.map(({ sent }) => sent).join(' '),
    ...(error === undefined ? {} : { error }),
  };
}

function fromClientConfig(configs: readonly JsonObject[]): Pick<ProxySync, 'stale' | 'sent' | 'error'> {
  const stale = configs.filter((config) => ['STALE', 'ERROR'].includes(statusOf(config)));
  const error = stale
    .map((config) => asText(field(field(config, 'error_state'), 'details')))
    .find((one) => one !== undefined);
  return {
    stale: stale.map((config) => kindOf(asText(field(config, 'type_url')) ?? '')),
    sent: stale.map((config) => asText(field(config, 'version_info')) ?? '').join(' '),
    ...(error === undefined ? {} : { error }),
  };
}

function statusOf(config: JsonObject): string {
  return asText(field(config, 'config_status')) ?? '';
}

/** `type.googleapis.com/envoy.config.listener.v3.Listener`, or `LDS`, in the words of the older answer. */
function kindOf(type: string): string {
  const short = type.split(/[./]/).at(-1) ?? type;
  const known: Readonly<Record<string, string>> = {
    Listener: 'listener',
    LDS: 'listener',
    Cluster: 'cluster',
    CDS: 'cluster',
    RouteConfiguration: 'route',
    RDS: 'route',
    ClusterLoadAssignment: 'endpoint',
    EDS: 'endpoint',
  };
  return known[short] ?? short;
}

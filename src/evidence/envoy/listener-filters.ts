/**
 * What the listener filters make of a connection before a filter chain is chosen: a TLS inspector that is switched off
 * sees no TLS, and a filter that rewrites addresses lets its caller choose the chain.
 */
import { asNumber, asObjects, asText, asTexts, isObject, type JsonObject } from '../../sources/json-value.ts';
import { extensionConfig, field, path, typed } from './proto-json.ts';

export interface Inspection {
  /** TLS is told from plaintext, and its ALPN and SNI are read. */
  readonly tls: boolean;
  /** Plaintext HTTP is recognised (ALPN `http/1.1`, `http/1.0` or `h2c` for the matching). */
  readonly http: boolean;
  /** The destination port that the matching sees. */
  readonly port: number;
  /** Why a caller may meet another chain than its connection says: any of the listener's is possible then. */
  readonly anyChain: readonly string[];
  /** Callers without a PROXY protocol header, those of the mesh among them, are closed. */
  readonly closes: boolean;
}

export interface Ports {
  /** The port that the connection arrives at: the capture port where it was redirected. */
  readonly arrival: number;
  /** The port that its caller asked for. */
  readonly original: number;
}

/** Filters that leave protocol, ALPN, SNI and destination as they are. */
const harmless: ReadonlySet<string> = new Set([
  'OriginalSrc',
  'LocalRateLimit',
  'SetFilterState',
  'ConnectBaggage',
]);

const headerChooses = 'a PROXY protocol header may name any address and port, and so choose the filter chain';

export function inspection(listener: JsonObject, ports: Ports): Inspection {
  let [tls, http, port] = [false, false, ports.arrival];
  let closes = asksForHeader(listener);
  const anyChain = closes ? [headerChooses] : [];
  for (const filter of asObjects(field(listener, 'listener_filters'))) {
    const kind = kindOf(filter);
    const disabled = isDisabled(filter, port);
    if (disabled === true || kind === 'harmless') continue;
    if (disabled === undefined) anyChain.push(`a rule that is not known here switches ${kind} off`);
    if (kind === 'tls_inspector') tls = true;
    else if (kind === 'http_inspector') http = true;
    else if (kind === 'original_dst') port = ports.original;
    else if (kind === 'proxy_protocol') {
      anyChain.push(headerChooses);
      closes ||= !takesHeaderless(filter);
    } else anyChain.push(`the listener filter ${kind} is not known here`);
  }
  // The field by itself adds the filter.
  if (field(listener, 'use_original_dst') === true) port = ports.original;
  return { tls, http, port, anyChain: [...new Set(anyChain)], closes };
}

/** A filter by its type, or by its name where that is all there is; `harmless`, or its name where it is not known. */
function kindOf(filter: JsonObject): string {
  const name = asText(field(filter, 'name')) ?? '';
  const type = typeOf(filter);
  if (harmless.has(type) || (nameless.has(type) && name.endsWith('original_src'))) return 'harmless';
  const byName = Object.values(kinds).find((kind) => nameless.has(type) && name.endsWith(kind));
  return kinds[type] ?? byName ?? name;
}

/** Types that say nothing, as before Envoy 1.17 or with the defaults. */
const nameless: ReadonlySet<string> = new Set(['', 'Empty', 'Struct']);

/** The type of a filter's configuration; one that comes by discovery (ECDS) names the types that it may have. */
function typeOf(filter: JsonObject): string {
  const urls = asTexts(path(filter, 'config_discovery', 'type_urls'));
  if (urls.length === 0) return extensionConfig(filter).type;
  const types = new Set(urls.map((url) => typed({ '@type': url }).type));
  return types.size === 1 ? ([...types][0] ?? 'unknown') : 'unknown';
}

const kinds: Readonly<Record<string, string>> = {
  TlsInspector: 'tls_inspector',
  HttpInspector: 'http_inspector',
  OriginalDst: 'original_dst',
  ProxyProtocol: 'proxy_protocol',
};

function takesHeaderless(proxyProtocol: JsonObject): boolean {
  const { message } = extensionConfig(proxyProtocol);
  return field(message, 'allow_requests_without_proxy_protocol') === true;
}

/** `use_proxy_proto` of a chain: deprecated since Envoy 1.15, and heeded still. */
function asksForHeader(listener: JsonObject): boolean {
  return asObjects(field(listener, 'filter_chains')).some((chain) => {
    const asks = field(chain, 'use_proxy_proto');
    return asks === true || field(asks, 'value') === true;
  });
}

/** @returns undefined where that hangs on a rule that is not known */
function isDisabled(filter: JsonObject, port: number): boolean | undefined {
  const rule = field(filter, 'filter_disabled');
  return isObject(rule) ? holds(rule, port) : false;
}

/** ListenerFilterChainMatchPredicate (envoy.config.listener.v3). */
function holds(rule: JsonObject, port: number): boolean | undefined {
  if (field(rule, 'any_match') === true) return true;
  const not = field(rule, 'not_match');
  if (isObject(not)) {
    const inner = holds(not, port);
    return inner === undefined ? undefined : !inner;
  }
  const or = field(rule, 'or_match');
  if (isObject(or)) return combined(or, port, true);
  const and = field(rule, 'and_match');
  if (isObject(and)) return combined(and, port, false);
  const range = field(rule, 'destination_port_range');
  if (!isObject(range)) return undefined;
  // An Int32Range: the end is not part of it; protobuf leaves a start of 0 out.
  const start = asNumber(field(range, 'start')) ?? 0;
  const end = asNumber(field(range, 'end')) ?? 0;
  return port >= start && port < end;
}

/** @param decides what one rule is enough for: true for "or", false for "and" */
function combined(set: JsonObject, port: number, decides: boolean): boolean | undefined {
  const all = asObjects(field(set, 'rules')).map((rule) => holds(rule, port));
  if (all.includes(decides)) return decides;
  return all.includes(undefined) ? undefined : !decides;
}

/** Which listener filters look at a connection to a port: a TLS inspector that is switched off there sees no TLS. */
import { asNumber, asObjects, asText, isObject, type JsonObject } from '../../sources/json-value.ts';
import { extensionConfig, field } from './proto-json.ts';

export interface Inspection {
  /** TLS is told from plaintext, and its ALPN and SNI are read. */
  readonly tls: boolean;
  /** Plaintext HTTP is recognised (ALPN `http/1.1` or `h2c` for the matching). */
  readonly http: boolean;
  /** Filters that may change what the matching sees, in ways that are not worked out here. */
  readonly unknown: readonly string[];
}

/** Filters that leave protocol, ALPN, SNI and destination port as they are, or set the port to the original one. */
const harmless: ReadonlySet<string> = new Set([
  'OriginalDst',
  'OriginalSrc',
  'LocalRateLimit',
  'SetFilterState',
  'ConnectBaggage',
]);

/** @param port the connection's original destination */
export function inspection(listener: JsonObject, port: number): Inspection {
  let tls = false;
  let http = false;
  const unknown: string[] = [];
  for (const filter of asObjects(field(listener, 'listener_filters'))) {
    const name = asText(field(filter, 'name')) ?? '';
    const { type } = extensionConfig(filter);
    const disabled = field(filter, 'filter_disabled');
    if (isObject(disabled) && predicate(disabled, port)) continue;
    if (type === 'TlsInspector' || name.endsWith('tls_inspector')) tls = true;
    else if (type === 'HttpInspector' || name.endsWith('http_inspector')) http = true;
    else if (!harmless.has(type) && !/original_(dst|src)$/.test(name)) unknown.push(name);
  }
  return { tls, http, unknown };
}

/** ListenerFilterChainMatchPredicate (envoy.config.listener.v3). An unknown rule does not hold. */
function predicate(rule: JsonObject, port: number): boolean {
  if (field(rule, 'any_match') === true) return true;
  const not = field(rule, 'not_match');
  if (isObject(not)) return !predicate(not, port);
  const or = field(rule, 'or_match');
  if (isObject(or)) return asObjects(field(or, 'rules')).some((inner) => predicate(inner, port));
  const and = field(rule, 'and_match');
  if (isObject(and)) return asObjects(field(and, 'rules')).every((inner) => predicate(inner, port));
  const range = field(rule, 'destination_port_range');
  if (!isObject(range)) return false;
  // An Int32Range: the end is not part of it; protobuf leaves a start of 0 out.
  const start = asNumber(field(range, 'start')) ?? 0;
  const end = asNumber(field(range, 'end')) ?? 0;
  return port >= start && port < end;
}

/**
 * Envoy's admin answers are protobuf as JSON: snake_case from Envoy itself, camelCase from tools that print it again,
 * with `@type` naming the message in Any fields. These read both, and any version's package.
 */
import { asNumber, asObject, asText, isObject, type JsonObject } from '../../sources/json-value.ts';

/** A field by its proto name, in either spelling. */
export function field(message: unknown, name: string): unknown {
  const fields = asObject(message);
  const value = fields[name];
  return value === undefined ? fields[camelCase(name)] : value;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Follows proto names through nested messages. */
export function path(message: unknown, ...names: readonly string[]): unknown {
  return names.reduce(field, message);
}

/**
 * The message inside an Any, and its short name without package and version: `type.googleapis.com/envoy.config.listener.v3.Listener`
 * and `type.googleapis.com/envoy.api.v2.Listener` are both `Listener`. A TypedStruct names its type inside.
 */
export function typed(any: unknown): { readonly type: string; readonly message: JsonObject } {
  const message = asObject(any);
  const url = asText(message['@type']) ?? '';
  const type = url.split(/[./]/).at(-1) ?? '';
  if (type !== 'TypedStruct') return { type, message };
  const inner = asText(field(message, 'type_url')) ?? '';
  return { type: inner.split(/[./]/).at(-1) ?? '', message: asObject(message.value) };
}

/** A filter's or transport socket's configuration: `typed_config`, or `config` before Envoy 1.17. */
export function extensionConfig(extension: unknown): { readonly type: string; readonly message: JsonObject } {
  const config = field(extension, 'typed_config');
  return isObject(config) ? typed(config) : { type: '', message: asObject(field(extension, 'config')) };
}

/** DataSource: inline text or base64 bytes; undefined for a file, which cannot be read from here. */
export function inlineData(source: unknown): string | undefined {
  const text = field(source, 'inline_string');
  if (typeof text === 'string') return text;
  const bytes = field(source, 'inline_bytes');
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64').toString('utf8') : undefined;
}

/** An address in words: `10.77.1.7:8080`, `[fd00::7]:8080`, a pipe's path, an internal listener's name. */
export function addressText(address: unknown): string {
  const socket = field(address, 'socket_address');
  const host = asText(field(socket, 'address'));
  if (host !== undefined) {
    return `${host.includes(':') ? `[${host}]` : host}:${asNumber(field(socket, 'port_value')) ?? 0}`;
  }
  const internal = asText(path(address, 'envoy_internal_address', 'server_listener_name'));
  return internal ?? asText(path(address, 'pipe', 'path')) ?? '';
}

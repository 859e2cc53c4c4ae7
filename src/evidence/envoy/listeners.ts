/** Envoy's `/listeners`: the listeners that are active, bound or not, by name and address. */
import { asNumber, asObject, asObjects, asText } from '../../sources/json-value.ts';
import { field, path } from './proto-json.ts';

/** One for each address of a listener. */
export interface ListenerStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/**
 * `/listeners?format=json`.
 * @throws SyntaxError where the text is not JSON
 */
export function parseListeners(text: string): readonly ListenerStatus[] {
  return asObjects(field(asObject(JSON.parse(text)), 'listener_statuses')).flatMap((status) => {
    const more = asObjects(field(status, 'additional_local_addresses'));
    return [field(status, 'local_address'), ...more].map((address) => ({
      name: asText(field(status, 'name')) ?? '',
      address: asText(path(address, 'socket_address', 'address')) ?? '',
      port: asNumber(path(address, 'socket_address', 'port_value')) ?? 0,
    }));
  });
}

/** `/listeners?format=text`, a quarter of the size: `NAME::ADDRESS:PORT`, `NAME::[IPV6]:PORT`; other lines are passed over. */
export function parseListenerLines(text: string): readonly ListenerStatus[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', six, four, port] = /^(.+?)::(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(line.trim()) ?? [];
    return port === undefined ? [] : [{ name, address: six ?? four ?? '', port: Number(port) }];
  });
}

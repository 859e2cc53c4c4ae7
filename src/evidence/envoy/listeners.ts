/** Envoy's `/listeners?format=json`: the listeners that are bound, by name and address. */
import { asNumber, asObject, asObjects, asText } from '../../sources/json-value.ts';
import { field, path } from './proto-json.ts';

export interface ListenerStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** @throws SyntaxError where the text is not JSON */
export function parseListeners(text: string): readonly ListenerStatus[] {
  return asObjects(field(asObject(JSON.parse(text)), 'listener_statuses')).map((status) => ({
    name: asText(field(status, 'name')) ?? '',
    address: asText(path(status, 'local_address', 'socket_address', 'address')) ?? '',
    port: asNumber(path(status, 'local_address', 'socket_address', 'port_value')) ?? 0,
  }));
}

/** `/listeners`, in Envoy's two formats: the bootstrap's own first. */
import type { ConfigLoader } from '../config-loader.ts';
import { staticListeners } from './bootstrap.ts';

function addresses(
  loader: ConfigLoader,
): readonly { readonly name: string; readonly address: string; readonly port: number }[] {
  return [...staticListeners, ...[...loader.listeners.values()].map(({ config }) => config)].map(
    (config) => ({
      name: config.name,
      address: config.address.socket_address.address,
      port: config.address.socket_address.port_value,
    }),
  );
}

export function listenersJson(loader: ConfigLoader): { readonly listener_statuses: readonly unknown[] } {
  return {
    listener_statuses: addresses(loader).map(({ name, address, port }) => ({
      name,
      local_address: { socket_address: { address, port_value: port } },
    })),
  };
}

export function listenersText(loader: ConfigLoader): string {
  return addresses(loader)
    .map(({ name, address, port }) => `${name}::${address}:${port}\n`)
    .join('');
}

/** The virtual network itself: addresses, connections between them, and services in front of them. */
import type { Socket } from 'node:net';
import { resolveName } from './dns.ts';
import type { Accept, Endpoint, Listens, Network } from './network.ts';
import { resetSocket } from './reset.ts';
import type { ServiceTable } from './service-table.ts';
import { socketError } from './socket-error.ts';
import { startSwitch } from './switch.ts';

interface Attachment {
  readonly accept: Accept;
  readonly listens: Listens;
  /** Every socket that has this address at one end. */
  readonly sockets: Set<Socket>;
}

/**
 * @param services what kube-proxy and cluster DNS know; kept up to date by whoever owns it.
 * @returns the network; `close()` ends it.
 */
export async function createNetwork(services: ServiceTable): Promise<Network> {
  const wires = await startSwitch();
  const attached = new Map<string, Attachment>();

  const belongTo = (ip: string, socket: Socket): void => {
    const sockets = attached.get(ip)?.sockets;
    if (sockets === undefined) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };

  const listener = (to: Endpoint): Attachment => {
    const target = attached.get(to.ip);
    if (target === undefined) throw socketError('EHOSTUNREACH', 'connect', to);
    if (!target.listens(to.port)) throw socketError('ECONNREFUSED', 'connect', to);
    return target;
  };

  return {
    attach(ip, accept, listens = () => true) {
      if (attached.has(ip)) throw socketError('EADDRINUSE', 'bind', { ip, port: 0 });
      const attachment: Attachment = { accept, listens, sockets: new Set() };
      attached.set(ip, attachment);
      return () => {
        if (attached.get(ip) !== attachment) return;
        attached.delete(ip);
        for (const socket of attachment.sockets) resetSocket(socket);
      };
    },
    async dial(from, to) {
      const target = services.route(from, to);
      if (target === 'no-endpoint') throw socketError('ECONNREFUSED', 'connect', to);
      listener(target);
      const { near, far } = await wires.open();
      belongTo(from, near);
      belongTo(target.ip, far);
      try {
        // The address may have gone while the connection was made.
        listener(target).accept(far, { ip: from, port: near.localPort ?? 0 }, target);
      } catch (error) {
        near.destroy();
        far.destroy();
        throw error;
      }
      return near;
    },
    pair: () => wires.open(),
    resolve: (name, namespace) => resolveName(services, name, namespace),
    async close() {
      attached.clear();
      await wires.close();
    },
  };
}

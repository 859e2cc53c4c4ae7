/** Requests that leave HTTP: exec, attach and port-forward. */
import type { ResourceContext } from '../http/context.ts';
import type { ApiRequest } from '../http/request.ts';
import { requestInfo } from '../http/request-info.ts';
import { authorized, contextOf, type RouterParts } from '../http/router.ts';
import { ApiStatus, badRequest, pathNotFound } from '../status.ts';
import { type Departure, refuse } from '../streams/handshake.ts';
import { portForward } from '../streams/port-forward.ts';
import { proxyUpgrade } from '../streams/proxy-upgrade.ts';
import { remoteCommand } from '../streams/remote-command.ts';

const handlers: Readonly<Record<string, (context: ResourceContext, departure: Departure) => Promise<void>>> =
  {
    exec: remoteCommand,
    attach: remoteCommand,
    portforward: portForward,
  };

/**
 * Serves the request, or refuses it in HTTP. `read` is called inside, so that a caller who is not known is refused too.
 * Rejects for bugs only.
 */
export async function upgrade(
  parts: RouterParts,
  read: () => ApiRequest,
  departure: Departure,
): Promise<void> {
  const { socket } = departure;
  try {
    await serve(parts, read(), departure);
  } catch (error) {
    if (!(error instanceof ApiStatus)) {
      socket.destroy();
      throw error;
    }
    refuse(socket, error);
  }
}

async function serve(parts: RouterParts, asked: ApiRequest, departure: Departure): Promise<void> {
  const info = requestInfo(asked.method, asked.url);
  const request = authorized(parts, asked, info);
  if (info.kind === 'path') throw pathNotFound();
  const context = contextOf(parts, request, info);
  if (context === undefined) throw pathNotFound();
  if (info.subresource === 'proxy') return proxyUpgrade(context, departure);
  const handler = context.served.resource === 'pods' ? handlers[info.subresource ?? ''] : undefined;
  if (handler === undefined) throw badRequest('this path serves no upgraded connections');
  await handler(context, departure);
}

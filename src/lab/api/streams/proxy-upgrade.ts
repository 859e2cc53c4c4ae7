/**
 * A request to a pod's proxy that asks for an upgrade: sent on a connection of its own, as the real API server does
 * (k8s.io/apimachinery, UpgradeAwareHandler). What the pod answers instead of an upgrade is handed on, and the connection ends.
 */
import { Agent, request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { ResourceContext } from '../http/context.ts';
import { forwardedHeaders, prefixOf, unreachable } from '../subresources/proxy.ts';
import { proxyTarget } from '../subresources/proxy-target.ts';
import type { Departure } from './handshake.ts';

/** @throws ApiStatus where the pod cannot be reached */
export async function proxyUpgrade(context: ResourceContext, departure: Departure): Promise<void> {
  const target = proxyTarget(context);
  const { info, request, kubelet } = context;
  const path = `${info.rest === '' ? '/' : info.rest}${request.url.search}`;
  const agent = new Agent();
  agent.createConnection = (_options, done) => {
    kubelet.dial(target.pod, target.port, 'network').then(
      (socket) => done?.(null, socket),
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest({
      agent,
      method: request.method,
      path,
      setHost: false,
      headers: {
        ...forwardedHeaders(context, target, path, prefixOf(context)),
        connection: 'Upgrade',
        upgrade: request.headers.upgrade ?? '',
      },
    });
    departure.socket.once('close', () => sent.destroy());
    sent.on('response', resolve);
    sent.on('upgrade', (upgraded, socket, head) => {
      writeHead(departure.socket, upgraded, true);
      if (head.length > 0) departure.socket.write(head);
      socket.pipe(departure.socket);
      departure.socket.pipe(socket);
      socket.on('error', () => departure.socket.destroy());
      departure.socket.on('error', () => socket.destroy());
      resolve(upgraded);
    });
    sent.on('error', (error) => reject(unreachable(error, sent, target)));
    sent.end();
  });
  if (answer.statusCode === 101) return;
  writeHead(departure.socket, answer, false);
  answer.on('error', () => departure.socket.destroy());
  answer.pipe(departure.socket);
}

/** The body that follows is as it was decoded, up to the connection's end. */
function writeHead(socket: Departure['socket'], answer: IncomingMessage, upgraded: boolean): void {
  const { statusCode = 502 } = answer;
  const own = upgraded ? /^$/ : /^(connection|keep-alive|transfer-encoding|content-length)$/i;
  const lines: string[] = [`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`];
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? '';
    if (!own.test(name)) lines.push(`${name}: ${answer.rawHeaders[index + 1] ?? ''}`);
  }
  if (!upgraded) lines.push('Connection: close');
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
}

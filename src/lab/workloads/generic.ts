/**
 * Any image that the lab does not know: it serves its declared ports. HTTP is answered with a description of the
 * pod, gRPC with UNIMPLEMENTED and health checks with SERVING, anything else is echoed.
 */
import type { Socket } from 'node:net';
import type { Endpoint } from '../net/network.ts';
import { peek } from './peek.ts';
import type { Program, ProgramHost } from './program.ts';
import { createWebServer, type WebAnswer, type WebRequest } from './web-server.ts';

/** First bytes by which HTTP is told from other protocols: a method's capital letters. */
const httpStart = /^(?:GET|HEA|POS|PUT|DEL|CON|OPT|TRA|PAT|PRI|PRO)/;

/** Bytes with which a server of this image speaks first; such protocols break when something waits for the client. */
export type Greeting = Buffer | undefined;

/** @param greeting sent on each connection before anything is read, as MySQL and SMTP servers do */
export function startGeneric(host: ProgramHost, ports: readonly number[], greeting?: Greeting): Program {
  const server = createWebServer((request) => describe(host, request));
  const plain = new Set<Socket>();
  const closers = ports.map((port) =>
    host.listen(port, (socket, from) => {
      if (greeting !== undefined) speakFirst(plain, socket, greeting);
      else void receive(plain, server.accept, socket, from, port);
    }),
  );
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const close = (): void => {
    for (const closePort of closers.splice(0)) closePort();
  };
  return {
    ended,
    stop() {
      close();
      // A plain connection has no end that a server could wait for.
      for (const socket of plain) socket.end();
      void server.drain().then(() => resolve(0));
    },
    kill() {
      close();
      for (const socket of plain) socket.destroy();
      server.kill();
      resolve(137);
    },
  };
}

function remember(plain: Set<Socket>, socket: Socket): void {
  plain.add(socket);
  socket.once('close', () => plain.delete(socket));
  socket.on('error', () => socket.destroy());
}

function speakFirst(plain: Set<Socket>, socket: Socket, greeting: Buffer): void {
  remember(plain, socket);
  socket.write(greeting);
  socket.pipe(socket);
}

async function receive(
  plain: Set<Socket>,
  accept: (socket: Socket, from: Endpoint, port: number) => void,
  socket: Socket,
  from: Endpoint,
  port: number,
): Promise<void> {
  const first = await peek(socket, 1);
  if (first === undefined) socket.destroy();
  else if (/[A-Z]/.test(first.toString('latin1')) && httpStart.test(await start(socket)))
    accept(socket, from, port);
  else {
    remember(plain, socket);
    socket.pipe(socket);
  }
}

async function start(socket: Socket): Promise<string> {
  return (await peek(socket, 3))?.toString('latin1') ?? '';
}

function describe(host: ProgramHost, request: WebRequest): WebAnswer {
  const grpc = request.headers.some(
    ([name, value]) => name === 'content-type' && value.startsWith('application/grpc'),
  );
  if (grpc) return answerGrpc(request);
  const { name, namespace } = host.pod.metadata;
  const headers = Object.fromEntries(request.headers.map(([key, value]) => [key.toLowerCase(), value]));
  const shown = {
    pod: name,
    namespace,
    container: host.container.name,
    image: host.container.image,
    serviceAccount: host.pod.spec.serviceAccountName ?? 'default',
    port: request.port,
    from: request.from.ip,
    method: request.method,
    path: request.target,
    httpVersion: request.httpVersion,
    headers,
  };
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: `${JSON.stringify(shown, undefined, 2)}\n`,
  };
}

/** grpc.health.v1: one field, `status = SERVING`, as a message of two bytes behind gRPC's five. */
const serving = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

function answerGrpc(request: WebRequest): WebAnswer {
  const headers = { 'content-type': 'application/grpc' };
  if (request.target === '/grpc.health.v1.Health/Check') {
    return { status: 200, headers, body: serving, trailers: { 'grpc-status': '0' } };
  }
  const trailers = { 'grpc-status': '12', 'grpc-message': 'the lab serves no methods' };
  return { status: 200, headers, body: '', trailers };
}

/** Connections to a pod's loopback, as SPDY streams (kubectl) or WebSocket channels (client libraries). */
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import type { PodName } from '../../kubelet/kubelet.ts';
import type { PodRuntime } from '../../kubelet/server/pod-runtime.ts';
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.ts';
import { badRequest } from '../status.ts';
import { acceptSpdy, acceptWebSocket, type Departure, doorOf, negotiate } from './handshake.ts';
import { bytesOf, channelWriter, send } from './websocket-channels.ts';

const spdyProtocol = 'portforward.k8s.io';
/** kubectl's way since 1.31: SPDY frames as the messages of a WebSocket. */
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const channelProtocol = 'v4.channel.k8s.io';

type Dial = (port: number) => Promise<Duplex>;

export interface PortForwardTarget {
  readonly runtime: PodRuntime;
  readonly pod: PodName;
  /** The request's ports, several in one parameter or in many: only WebSocket channels need them. */
  readonly ports: readonly string[];
}

/** Takes the connection out of HTTP and forwards. @throws ApiStatus before the connection leaves HTTP */
export async function servePortForward(departure: Departure, target: PortForwardTarget): Promise<void> {
  const { runtime, pod } = target;
  const dial: Dial = (port) => runtime.dial(pod, port, 'loopback');
  if (doorOf(departure) === 'spdy') {
    serveSpdy(acceptSpdy(departure, negotiate(departure, 'spdy', [spdyProtocol])), pod, dial);
    return;
  }
  const protocol = negotiate(departure, 'websocket', [tunnelProtocol, channelProtocol]);
  if (protocol === tunnelProtocol) {
    serveSpdy(createWebSocketStream(await acceptWebSocket(departure, protocol)), pod, dial);
    return;
  }
  const ports = portsOf(target.ports);
  const socket = await acceptWebSocket(departure, protocol);
  await Promise.all(ports.map((port, index) => serveChannel(socket, index * 2, port, pod, dial)));
}

/** Each forwarded connection is a pair of streams, `data` and `error`, with the same request id. */
function serveSpdy(transport: Duplex, pod: PodName, dial: Dial): void {
  const waiting = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(transport, {
    role: 'server',
    onStream: (stream) => {
      // The client gave this connection up; the other stream of the pair hears of it by itself.
      stream.on('error', () => stream.destroy());
      const id = stream.headers.get('requestid') ?? '';
      const other = waiting.get(id);
      if (other === undefined) {
        waiting.set(id, stream);
        stream.once('close', () => waiting.get(id) === stream && waiting.delete(id));
        return;
      }
      waiting.delete(id);
      const isData = stream.headers.get('streamtype') === 'data';
      const [data, error] = isData ? [stream, other] : [other, stream];
      void servePair(data, error, pod, dial);
    },
    onClose: () => connection.close(),
  });
}

async function servePair(data: SpdyStream, error: SpdyStream, pod: PodName, dial: Dial): Promise<void> {
  const port = Number(data.headers.get('port'));
  error.resume();
  let target: Duplex;
  try {
    target = await dial(port);
  } catch (reason) {
    error.end(refusal(reason, port, pod));
    data.end();
    return;
  }
  join(data, target);
  data.once('close', () => error.end());
  target.once('close', () => {
    data.end();
    error.end();
  });
}

/** The channel `first` carries bytes, the next one errors; each begins with the port, little-endian. */
async function serveChannel(
  socket: WebSocket,
  first: number,
  port: number,
  pod: PodName,
  dial: Dial,
): Promise<void> {
  const head = Buffer.alloc(2);
  head.writeUInt16LE(port);
  const early: Buffer[] = [];
  let target: Duplex | undefined;
  socket.on('message', (data) => {
    const message = bytesOf(data);
    if (message[0] !== first) return;
    const bytes = message.subarray(1);
    if (target === undefined) early.push(bytes);
    else if (!target.write(bytes)) {
      socket.pause();
      target.once('drain', () => socket.resume());
    }
  });
  // Listening comes first: the client need not wait for these.
  await send(socket, first, head);
  await send(socket, first + 1, head);
  try {
    target = await dial(port);
  } catch (reason) {
    await send(socket, first + 1, Buffer.from(refusal(reason, port, pod)));
    socket.close(1000);
    return;
  }
  const opened = target;
  for (const bytes of early) opened.write(bytes);
  opened.pipe(channelWriter(socket, first, true));
  // A connection that the pod resets has nothing more to say than that it is over.
  opened.on('error', () => opened.destroy());
  opened.on('close', () => socket.close(1000));
  socket.on('close', () => opened.destroy());
}

/** Both ends of a connection, until either is over. */
function join(near: Duplex, far: Duplex): void {
  near.pipe(far);
  far.pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
  near.on('close', () => far.destroy());
}

/** In a container runtime's words, without its namespaces. */
function refusal(reason: unknown, port: number, { namespace, name }: PodName): string {
  const refused = reason instanceof Error && 'code' in reason && reason.code === 'ECONNREFUSED';
  const why = refused
    ? `failed to connect to localhost:${port} inside namespace "${namespace}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused`
    : reason instanceof Error
      ? reason.message
      : String(reason);
  return `error forwarding port ${port} to pod ${name}, uid : ${why}`;
}

/** @throws ApiStatus BadRequest */
function portsOf(asked: readonly string[]): readonly number[] {
  const ports = asked.flatMap((text) => text.split(',')).map(Number);
  if (ports.length === 0) throw badRequest('query parameter "port" is required');
  const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (wrong !== undefined) throw badRequest(`port "${wrong}" must be > 0 and <= 65535`);
  return ports;
}

/**
 * Exec and attach over a WebSocket: the first byte of a message is its channel (0 standard input, 1 output, 2 errors,
 * 3 the end as a Status, 4 the terminal's size). v5 adds 255: the client closes the channel that the next byte names.
 */
import { PassThrough, Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { type AskedStreams, type CommandChannels, endStatus } from './command-channels.ts';

export const webSocketCommandProtocols: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

const Channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;

export function webSocketChannels(socket: WebSocket, asked: AskedStreams): CommandChannels {
  const gone = new AbortController();
  const stdin = asked.stdin ? new PassThrough() : undefined;
  socket.on('message', (data) => {
    const message = bytesOf(data);
    const [channel, closed] = message;
    if (channel === Channel.stdin && stdin?.writable === true) {
      if (!stdin.write(message.subarray(1))) {
        socket.pause();
        stdin.once('drain', () => socket.resume());
      }
    } else if (channel === Channel.close && closed === Channel.stdin) stdin?.end();
  });
  socket.on('close', () => {
    gone.abort();
    stdin?.end();
  });
  // The peer broke the protocol, or the connection: a close follows.
  socket.on('error', () => gone.abort());
  const stdout = channelWriter(socket, Channel.stdout, asked.stdout);
  return {
    stdin,
    stdout,
    stderr: asked.tty ? stdout : channelWriter(socket, Channel.stderr, asked.stderr),
    signal: gone.signal,
    async finish(end) {
      await send(socket, Channel.error, Buffer.from(JSON.stringify(endStatus(end))));
      socket.close(1000);
    },
  };
}

/** All forms that a message comes in, as one. */
export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Writes to one channel of the socket, or nowhere where the client did not ask for it. */
export function channelWriter(socket: WebSocket, channel: number, isAsked: boolean): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isAsked) void send(socket, channel, chunk).then(() => done());
      else done();
    },
  });
}

/** Resolves once the message is on its way, or the client has gone. */
export function send(socket: WebSocket, channel: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.send(Buffer.concat([Buffer.of(channel), bytes]), () => resolve());
  });
}

/** Exec and attach over SPDY: a stream for each channel, told apart by the header `streamType`. */
import { type Duplex, Writable } from 'node:stream';
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.ts';
import { type AskedStreams, type CommandChannels, endStatus } from './command-channels.ts';

export const spdyCommandProtocols: readonly string[] = ['v4.channel.k8s.io'];

/** The kubelet waits so long for the streams that the request announced. */
const openMilliseconds = 30_000;

/** Resolves once all announced streams are open; with undefined where they do not come in time, or the client goes. */
export async function spdyChannels(
  transport: Duplex,
  asked: AskedStreams,
): Promise<CommandChannels | undefined> {
  const gone = new AbortController();
  const wanted = announced(asked);
  const streams = new Map<string, SpdyStream>();
  const opened = Promise.withResolvers<boolean>();
  const connection = new SpdyConnection(transport, {
    role: 'server',
    onStream: (stream) => {
      // A stream that the client resets is one that it no longer listens to.
      stream.on('error', () => stream.destroy());
      streams.set((stream.headers.get('streamtype') ?? '').toLowerCase(), stream);
      if (wanted.every((name) => streams.has(name))) opened.resolve(true);
    },
    onClose: () => {
      gone.abort();
      opened.resolve(false);
    },
  });
  const timer = setTimeout(() => connection.close(), openMilliseconds);
  const isOpen = await opened.promise;
  clearTimeout(timer);
  if (!isOpen) return undefined;
  // The terminal's size is of no use to anything that runs here.
  streams.get('resize')?.resume();
  const stdout = streams.get('stdout') ?? nowhere();
  return {
    stdin: streams.get('stdin'),
    stdout,
    stderr: asked.tty ? stdout : (streams.get('stderr') ?? nowhere()),
    signal: gone.signal,
    async finish(end) {
      const error = streams.get('error');
      await Promise.all([...streams.values()].filter((stream) => stream !== error).map(ended));
      error?.write(JSON.stringify(endStatus(end)));
      if (error !== undefined) await ended(error);
      connection.close();
    },
  };
}

function announced({ stdin, stdout, stderr, tty }: AskedStreams): readonly string[] {
  return [
    'error',
    ...(stdin ? ['stdin'] : []),
    ...(stdout ? ['stdout'] : []),
    ...(stderr && !tty ? ['stderr'] : []),
    ...(tty ? ['resize'] : []),
  ];
}

function ended(stream: SpdyStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.end(() => resolve());
  });
}

function nowhere(): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      done();
    },
  });
}

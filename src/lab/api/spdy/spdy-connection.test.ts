import { createHash } from 'node:crypto';
import { type Duplex, duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spdyDictionary } from './dictionary.ts';
import { dataFrame, FrameReader, ping, rstStream, synStream } from './frames.ts';
import { HeaderDecoder, HeaderEncoder } from './header-codec.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';

interface Pair {
  readonly client: SpdyConnection;
  readonly server: SpdyConnection;
  readonly clientSide: Duplex;
  readonly accepted: () => Promise<SpdyStream>;
  readonly serverClosed: Promise<Error | undefined>;
}

function pair(): Pair {
  const [clientSide, serverSide] = duplexPair();
  const queue: SpdyStream[] = [];
  const waiting: ((stream: SpdyStream) => void)[] = [];
  let closed: (error: Error | undefined) => void;
  const serverClosed = new Promise<Error | undefined>((resolve) => {
    closed = resolve;
  });
  const server = new SpdyConnection(serverSide, {
    role: 'server',
    onStream: (stream) => {
      const next = waiting.shift();
      if (next === undefined) queue.push(stream);
      else next(stream);
    },
    onClose: (error) => closed(error),
  });
  const client = new SpdyConnection(clientSide, {
    role: 'client',
    onStream: () => undefined,
    onClose: () => undefined,
  });
  const accepted = (): Promise<SpdyStream> => {
    const present = queue.shift();
    return present === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(present);
  };
  return { client, server, clientSide, accepted, serverClosed };
}

test('the dictionary is the one of the protocol', () => {
  expect(spdyDictionary.length).toBe(1423);
  expect(createHash('sha256').update(spdyDictionary).digest('hex')).toBe(
    '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
  );
});

test('streams carry headers and bytes in both directions, and half-close', async () => {
  const { client, accepted } = pair();
  const stream = await client.openStream(
    new Map([
      ['streamType', 'data'],
      ['port', '8080'],
    ]),
  );
  const peer = await accepted();
  expect(Object.fromEntries(peer.headers)).toEqual({ streamtype: 'data', port: '8080' });
  stream.end('ping');
  expect(await text(peer)).toBe('ping');
  peer.end('pong');
  expect(await text(stream)).toBe('pong');
});

test('many streams do not mix, also with more bytes than buffers hold', async () => {
  const { client, accepted } = pair();
  const bodies = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(300_000 + index));
  const answers = bodies.map(async (body) => {
    const stream = await client.openStream(new Map([['n', body.slice(0, 1)]]));
    stream.end(body);
    return await text(stream);
  });
  for (const _ of bodies) {
    const peer = await accepted();
    peer.pipe(peer);
  }
  expect(await Promise.all(answers)).toEqual(bodies);
});

test('a stream that is destroyed is reset on the other side', async () => {
  const { client, accepted } = pair();
  const stream = await client.openStream(new Map());
  const peer = await accepted();
  const closed = new Promise((resolve) => peer.once('close', resolve));
  stream.destroy();
  await closed;
  expect(peer.destroyed).toBe(true);
});

test('the end of the transport ends the streams and the connection', async () => {
  const { client, accepted, clientSide, serverClosed } = pair();
  await client.openStream(new Map());
  const peer = await accepted();
  clientSide.destroy();
  expect(await serverClosed).toBeUndefined();
  expect(peer.destroyed).toBe(true);
});

test('what is no SPDY/3.1 ends the connection with an error', async () => {
  const { clientSide, serverClosed } = pair();
  clientSide.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  clientSide.write(Buffer.from([0x80, 0x02, 0x00, 0x01, 0, 0, 0, 0]));
  expect(await serverClosed).toBeInstanceOf(Error);
});

test('pings of the peer are answered with their number', async () => {
  const [near, far] = duplexPair();
  new SpdyConnection(far, { role: 'server', onStream: () => undefined, onClose: () => undefined });
  const answer = new Promise<Buffer>((resolve) => near.once('data', resolve));
  near.write(ping(7));
  expect(await answer).toEqual(ping(7));
});

test('frames come out whole however the bytes are cut', () => {
  const frames = [
    dataFrame(1, Buffer.from('hello'), false),
    rstStream(3, 5),
    ping(9),
    dataFrame(1, Buffer.alloc(0), true),
  ];
  const bytes = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { minLength: bytes.length }), (cuts) => {
      const reader = new FrameReader();
      const read = [];
      let at = 0;
      for (const cut of cuts) {
        read.push(...reader.read(bytes.subarray(at, at + cut)));
        at += cut;
      }
      expect(read.map((frame) => frame.kind)).toEqual(['data', 'control', 'control', 'data']);
    }),
  );
});

test('header blocks survive compression in a row, whatever they hold', async () => {
  const encoder = new HeaderEncoder();
  const decoder = new HeaderDecoder();
  const headers = fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string(), { maxKeys: 8 });
  await fc.assert(
    fc.asyncProperty(headers, async (one) => {
      const sent = new Map(Object.entries(one));
      expect(await decoder.decode(await encoder.encode(sent))).toEqual(sent);
    }),
  );
  encoder.close();
  decoder.close();
});

test('a control frame carries its type, version and stream', () => {
  expect([...synStream(5, Buffer.alloc(0)).subarray(0, 12)]).toEqual([
    0x80, 0x03, 0x00, 0x01, 0, 0, 0, 10, 0, 0, 0, 5,
  ]);
});

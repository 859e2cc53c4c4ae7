/** Steady traffic of several kinds on connections that a scene hands out; counts what fails and what is cut. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { KeptConnection } from '../../src/lab/sidecar/testing/test-client.ts';

/** The sidecar routes by the host: any other would pass it by, in plaintext. */
const toWeb = { host: 'web.shop' };

export type Connect = () => Promise<Socket>;

export interface Result {
  readonly name: string;
  readonly sent: number;
  readonly failures: readonly string[];
  /** Connections that ended while the client meant to keep them, without a request under way. */
  readonly cut: number;
}

export interface Load {
  readonly sent: number;
  /** Ends when what is under way is answered. */
  stop(): Promise<Result>;
}

interface Counts {
  sent: number;
  cut: number;
  readonly failures: string[];
}

/** One request after the other, with a short breath between them, until it is told to stop. */
function steadily(name: string, once: (counts: Counts) => Promise<void>, close: () => void): Load {
  const counts: Counts = { sent: 0, cut: 0, failures: [] };
  let stopping = false;
  const run = async (): Promise<void> => {
    while (!stopping) {
      try {
        await soon(once(counts));
      } catch (error) {
        counts.failures.push(`${new Date().toISOString()} ${String(error)}`);
      }
      counts.sent += 1;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    close();
  };
  const running = run();
  return {
    get sent() {
      return counts.sent;
    },
    async stop() {
      stopping = true;
      await running;
      return { name, ...counts };
    },
  };
}

/** What hangs is lost as well. */
const answerWithinMs = 10_000;

function soon(work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${answerWithinMs} ms`)),
      answerWithinMs,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** HTTP/1.1 with a connection for each request. */
export function freshHttp(connect: Connect): Load {
  return steadily(
    'http/1.1',
    async () => {
      const connection = new KeptConnection(await connect());
      try {
        expectOk(await connection.get('/get', toWeb));
      } finally {
        connection.socket.destroy();
      }
    },
    () => undefined,
  );
}

/** HTTP/1.1 on a connection that is kept as long as the other side does not say `connection: close`. */
export function keptHttp(connect: Connect): Load {
  let connection: KeptConnection | undefined;
  return steadily(
    'http/1.1 keep-alive',
    async (counts) => {
      if (connection?.open === false) counts.cut += 1;
      if (connection === undefined || !connection.open) connection = new KeptConnection(await connect());
      const answer = await connection.get('/get', toWeb);
      if (answer.headers.connection === 'close') connection = undefined;
      expectOk(answer);
    },
    () => connection?.socket.destroy(),
  );
}

function expectOk({ status, body }: { readonly status: number; readonly body: string }): void {
  if (status !== 200) throw new Error(`${status} ${body.slice(0, 300)}`);
}

/** HTTP/2 on one session, replaced where the server says GOAWAY. */
export function http2(connect: Connect): Load {
  let session: ClientHttp2Session | undefined;
  return steadily(
    'http/2',
    async (counts) => {
      if (session === undefined || session.closed || session.destroyed) {
        const socket = await connect();
        const made = connectHttp2('http://web', { createConnection: () => socket });
        let told = false;
        made.on('goaway', () => {
          told = true;
          session = undefined;
        });
        made.on('close', () => {
          if (!told && session === made) counts.cut += 1;
        });
        made.on('error', () => undefined);
        session = made;
      }
      await requestOn(session);
    },
    () => {
      const last = session;
      session = undefined;
      last?.destroy();
    },
  );
}

function requestOn(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/get', ':authority': 'web.shop' });
    let status = 0;
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('error', reject);
    stream.on('end', () => (status === 200 ? resolve() : reject(new Error(`status ${status}`))));
    stream.resume();
    stream.end();
  });
}

/** A TCP connection for each message, which must come back. */
export function freshTcp(connect: Connect): Load {
  return steadily(
    'tcp',
    async (counts) => {
      const socket = await connect();
      try {
        await echo(socket, `message ${counts.sent}`);
      } finally {
        socket.destroy();
      }
    },
    () => undefined,
  );
}

/** One TCP connection for the whole time: whatever ends it is a cut. */
export function longTcp(connect: Connect): Load {
  let socket: Socket | undefined;
  return steadily(
    'long-lived tcp',
    async (counts) => {
      if (socket?.destroyed === true) counts.cut += 1;
      if (socket === undefined || socket.destroyed) {
        const made = await connect();
        // Half a connection carries no echo.
        made.once('end', () => made.destroy());
        socket = made;
      }
      await echo(socket, `message ${counts.sent}`);
    },
    () => socket?.destroy(),
  );
}

function echo(socket: Socket, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const done = (problem?: Error): void => {
      socket.off('data', take);
      socket.off('error', done);
      socket.off('close', closed);
      if (problem === undefined) resolve();
      else {
        socket.destroy();
        reject(problem);
      }
    };
    const take = (chunk: Buffer): void => {
      received += chunk.toString();
      if (received === message) done();
      else if (!message.startsWith(received)) done(new Error(`not what was sent: ${received.slice(0, 200)}`));
    };
    const closed = (): void => done(new Error('the connection was closed'));
    socket.on('data', take);
    socket.on('error', done);
    socket.on('close', closed);
    socket.write(message);
  });
}

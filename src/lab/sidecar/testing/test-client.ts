/** Clients for tests: one request on a given connection, and steady load that counts what was lost. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Keeps one connection for several requests, as an application's own pool does. */
export class KeptConnection {
  readonly socket: Socket;
  readonly #agent: Agent;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#agent = new OneSocketAgent(socket);
    socket.on('error', () => socket.destroy());
  }

  get open(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send('GET', path, headers);
  }

  send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Buffer | string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const message = request({ agent: this.#agent, host: 'server', method, path, headers }, (response) => {
        resolve(read(response));
      });
      message.once('error', reject);
      message.end(body);
    });
  }
}

class OneSocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Socket {
    if (this.#socket.destroyed) throw new Error('the connection is closed');
    return this.#socket;
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** One request on a connection of its own. */
export async function get(
  connect: () => Promise<Socket>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const connection = new KeptConnection(await connect());
  try {
    return await connection.get(path, headers);
  } finally {
    connection.socket.destroy();
  }
}

export interface Load {
  /** Ends the load when the request under way is answered. */
  stop(): Promise<{ readonly sent: number; readonly failures: readonly string[] }>;
  readonly sent: number;
}

/** Sends requests one after the other on kept connections, opening a new one where the server closed. */
export function startLoad(connect: () => Promise<Socket>, path = '/'): Load {
  let sent = 0;
  let stopping = false;
  const failures: string[] = [];
  const run = async (): Promise<void> => {
    let connection: KeptConnection | undefined;
    while (!stopping) {
      try {
        if (connection === undefined || !connection.open) connection = new KeptConnection(await connect());
        const { status, headers, body } = await connection.get(path);
        sent += 1;
        if (status !== 200) failures.push(`${status} ${body}`);
        if (headers.connection === 'close') {
          connection.socket.destroy();
          connection = undefined;
        }
      } catch (error) {
        sent += 1;
        failures.push(String(error));
        connection?.socket.destroy();
        connection = undefined;
      }
    }
    connection?.socket.destroy();
  };
  const running = run();
  return {
    get sent() {
      return sent;
    },
    async stop() {
      stopping = true;
      await running;
      return { sent, failures };
    },
  };
}

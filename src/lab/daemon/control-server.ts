/** How later commands talk to a running lab: a small HTTP server on loopback behind a secret of the state file. */
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { listenOnLoopback } from '../net/listen.ts';

export interface ControlHandlers {
  /** What `padlock lab status` shows. */
  status(): object;
  /** Ends the lab; called once its answer is on the way. */
  stop(): void;
}

export interface ControlServer {
  readonly port: number;
  close(): void;
}

export async function startControl(secret: string, handlers: ControlHandlers): Promise<ControlServer> {
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    if (!isAllowed(secret, request.headers.authorization)) {
      response.writeHead(401).end();
      return;
    }
    const asked = `${request.method} ${request.url}`;
    if (asked === 'GET /status') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(handlers.status()));
      return;
    }
    if (asked !== 'POST /stop') {
      response.writeHead(404).end();
      return;
    }
    response.end('stopping\n', () => handlers.stop());
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function isAllowed(secret: string, authorization: string | undefined): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${secret}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/**
 * The lab's API server: HTTPS on loopback in front of the in-process API. Callers show a client certificate of the
 * lab's own authority, or a service account's token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { PadlockError } from '../../errors.ts';
import type { Kubelet } from '../kubelet/kubelet.ts';
import type { KeyPem } from './authority.ts';
import type { LabApi } from './create-api.ts';
import { readBody, writeResponse } from './http/node-http.ts';
import type { ApiRequest } from './http/request.ts';
import { deprecations, type RouterParts, route } from './http/router.ts';
import { RbacAuthorizer } from './rbac/authorizer.ts';
import { TokenIssuer } from './rbac/tokens.ts';
import { anonymous, type User } from './rbac/user.ts';
import { ApiStatus } from './status.ts';
import { upgrade } from './subresources/upgrade.ts';

export interface ApiServerOptions {
  readonly api: LabApi;
  readonly kubelet: Kubelet;
  /** A loopback address: nothing else is served. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** PEM of the authority that signs client certificates. */
  readonly caCertificate: string;
  readonly certificate: KeyPem;
  /** Called with what a handler threw that is no `ApiStatus`: a bug, which the client sees as 500. */
  readonly onInternalError: (error: unknown) => void;
}

export interface ApiServer {
  readonly port: number;
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly tokens: TokenIssuer;
  /** Ends the watches and closes every connection. */
  close(): Promise<void>;
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/**
 * Starts to serve.
 * @throws PadlockError PORT_IN_USE where the port is taken, LAB_FAILED where the host is not loopback.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  if (!loopback.has(options.host)) {
    throw new PadlockError('LAB_FAILED', `the lab listens on loopback only, not on ${options.host}`);
  }
  const { engine } = options.api;
  const tokens = new TokenIssuer(engine.store, engine.effects.now);
  const parts: RouterParts = {
    engine,
    kubelet: options.kubelet,
    authorizer: new RbacAuthorizer(engine.store),
    tokens,
  };
  const closing = new AbortController();
  const server = createServer({
    key: options.certificate.key,
    cert: options.certificate.certificate,
    ca: options.caCertificate,
    requestCert: true,
    // Callers with a token have no certificate; one that is shown must be ours.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 90_000,
    requestTimeout: 0,
  });
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away mid-request is no event for the lab.
    socket.on('error', () => socket.destroy());
  });
  server.on('request', (incoming, outgoing) => {
    void serve(parts, options, closing.signal, incoming, outgoing);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const read = (): ApiRequest => requestOf(parts, incoming, Buffer.alloc(0), closing.signal);
    void upgrade(parts, read, { incoming, socket, head }).catch(options.onInternalError);
  });
  const port = await listen(server, options);
  return {
    port,
    url: `https://${options.host}:${port}`,
    tokens,
    close: async () => {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, options: ApiServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const sentence = `port ${options.port} on ${options.host} is in use by another program`;
      return reject(
        new PadlockError('PORT_IN_USE', sentence, {
          hint: 'choose another port, or 0 for any free one',
          cause: error,
        }),
      );
    });
    server.listen(options.port, options.host, () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
}

async function serve(
  parts: RouterParts,
  options: ApiServerOptions,
  closing: AbortSignal,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  let warnings: readonly string[] = [];
  try {
    const body = await readBody(incoming);
    const request = requestOf(parts, incoming, body, signal);
    warnings = deprecations(parts, request);
    const response = await route(parts, request);
    const all = { ...response, warnings: [...warnings, ...(response.warnings ?? [])] };
    await writeResponse(outgoing, all, incoming.method === 'HEAD');
  } catch (error) {
    const status = error instanceof ApiStatus ? error : internalError(options, error);
    await writeResponse(
      outgoing,
      { status: status.code, body: { json: status }, warnings, ...retryAfter(status) },
      false,
    );
  }
}

function retryAfter(status: ApiStatus): { readonly headers?: Readonly<Record<string, string>> } {
  const seconds = status.details?.retryAfterSeconds;
  return seconds === undefined ? {} : { headers: { 'retry-after': String(seconds) } };
}

function internalError(options: ApiServerOptions, error: unknown): ApiStatus {
  options.onInternalError(error);
  const why = error instanceof Error ? error.message : String(error);
  return new ApiStatus('InternalError', `Internal error occurred: ${why}`, {
    causes: [{ reason: '', message: why }],
  });
}

function requestOf(
  parts: RouterParts,
  incoming: IncomingMessage,
  body: Buffer,
  signal: AbortSignal,
): ApiRequest {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  // Node joins what repeats, but for these it would keep the first.
  return {
    method: incoming.method ?? 'GET',
    url: new URL(incoming.url ?? '/', 'https://lab'),
    headers,
    body,
    user: userOf(parts.tokens, incoming),
    signal,
  };
}

/** The caller, by its certificate or its token. @throws ApiStatus Unauthorized for a token that is not ours. */
function userOf(tokens: TokenIssuer, incoming: IncomingMessage): User {
  const { socket } = incoming;
  if (socket instanceof TLSSocket && socket.authorized) {
    // A connection that the client has just dropped has no certificate any more.
    const subject = socket.getPeerCertificate()?.subject;
    if (subject === undefined) return anonymous;
    const organizations: unknown = subject.O;
    const groups = Array.isArray(organizations)
      ? organizations.map(String)
      : typeof organizations === 'string'
        ? [organizations]
        : [];
    return { name: String(subject.CN), groups: [...groups, 'system:authenticated'] };
  }
  const header = incoming.headers.authorization ?? '';
  if (header === '') return anonymous;
  const token = /^Bearer\s+(.+)$/i.exec(header)?.[1];
  const user = token === undefined ? undefined : tokens.authenticate(token.trim());
  if (user === undefined) throw new ApiStatus('Unauthorized', 'Unauthorized');
  return user;
}

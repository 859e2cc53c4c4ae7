/** One HTTP exchange with the API server: address, login, time-out, and the mapping of what goes wrong. */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { createGunzip } from 'node:zlib';
import { PadlockError } from '../../errors.ts';
import { asText, type JsonObject } from '../json-value.ts';
import { makeAgent, type TlsMaterial } from './agent.ts';
import { fileOrData } from './credential-files.ts';
import type { ClientIdentity, CredentialSource } from './credentials.ts';
import { proxyFor } from './proxy.ts';
import { errorForSocket, errorForTimeout } from './status.ts';

export interface TransportOptions {
  readonly context: string;
  /** The kubeconfig's cluster entry, its paths absolute. */
  readonly cluster: JsonObject;
  readonly credentials: CredentialSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0: no end. */
  readonly requestTimeoutMs: number;
  /** Sent with every request: impersonation, user agent. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long it may take in the place of the kubeconfig's --request-timeout: watches are long. */
  readonly timeoutMs?: number;
}

/** An answer whose body is still to be read; `text` and `chunks` throw `PadlockError` like `send`. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The Authorization header that the request went out with. */
  readonly authorization: string | undefined;
  text(): Promise<string>;
  chunks(): AsyncIterable<Buffer>;
}

type RequestAgent = Awaited<ReturnType<typeof makeAgent>>;

interface KnownAgent {
  readonly agent: RequestAgent;
  readonly identity: ClientIdentity;
}

export class Transport {
  readonly server: URL;
  readonly context: string;
  readonly #options: TransportOptions;
  readonly #ca: Buffer | undefined;
  /** One whose connections are kept, and one whose connections serve one request each; both remember TLS sessions. */
  readonly #agents: { kept?: KnownAgent; single?: KnownAgent } = {};

  private constructor(options: TransportOptions, server: URL, ca: Buffer | undefined) {
    this.#options = options;
    this.context = options.context;
    this.server = server;
    this.#ca = ca;
  }

  /** @throws PadlockError `KUBECONFIG_INVALID` where the cluster entry cannot be used */
  static async open(options: TransportOptions): Promise<Transport> {
    const address = asText(options.cluster.server) ?? '';
    const server = URL.canParse(address) ? new URL(address) : undefined;
    if (server === undefined || !/^https?:$/.test(server.protocol)) {
      throw new PadlockError(
        'KUBECONFIG_INVALID',
        `context ${options.context}: the cluster’s server "${address}" is not an address like https://host:6443`,
      );
    }
    return new Transport(options, server, await fileOrData(options.cluster, 'certificate-authority'));
  }

  /** Sends one request; resolves when the answer's headers are there. Throws `PadlockError` or the signal's reason. */
  async send(exchange: Exchange): Promise<Answer> {
    // The API server closes a connection after a request for an upgrade, without saying so: it is not kept.
    const kept = exchange.headers?.upgrade === undefined;
    const { agent, tls, headers } = await this.connection(kept);
    const call = this.server.protocol === 'http:' ? plainRequest : secureRequest;
    const { timeoutMs = this.#options.requestTimeoutMs } = exchange;
    const timeout = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
    const signals = [exchange.signal, timeout].filter((signal) => signal !== undefined);
    const explain = (error: unknown): unknown => this.#explain(error, exchange.signal, timeout, timeoutMs);
    const options = {
      ...tls,
      agent,
      method: exchange.method,
      headers: {
        ...headers,
        ...exchange.headers,
        ...(exchange.body === undefined ? {} : { 'content-length': Buffer.byteLength(exchange.body) }),
      },
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    };
    const once = (): Promise<IncomingMessage> =>
      exchanged(call(this.url(exchange.path), options), exchange.body);
    try {
      const message = await once().catch((error: unknown) => {
        if (exchange.method === 'GET' && error instanceof StaleConnection) return once();
        throw error;
      });
      return readable(message, explain, headers.authorization);
    } catch (error) {
      throw explain(error);
    }
  }

  /** What a WebSocket needs to go the same way. @param kept false: each connection serves one request */
  async connection(kept = true): Promise<{
    readonly agent: RequestAgent;
    readonly tls: TlsMaterial;
    readonly headers: Readonly<Record<string, string | string[]>> & { readonly authorization?: string };
  }> {
    const identity = await this.#options.credentials.current();
    const tls = this.#tls(identity);
    const which = kept ? 'kept' : 'single';
    const known = this.#agents[which];
    const current = known !== undefined && known.identity.cert?.toString() === identity.cert?.toString();
    const agent = current ? known.agent : await this.#makeAgent(tls, kept);
    this.#agents[which] = { agent, identity };
    const fixed = Object.entries(this.#options.headers).map(([name, value]): [string, string | string[]] => [
      name,
      typeof value === 'string' ? value : [...value],
    ]);
    return { agent, tls, headers: { ...Object.fromEntries(fixed), ...identity.headers } };
  }

  #makeAgent(tls: TlsMaterial, kept: boolean): Promise<RequestAgent> {
    const { cluster, env } = this.#options;
    const proxy = proxyFor(this.server, asText(cluster['proxy-url']), env);
    return makeAgent(this.server, tls, proxy, kept);
  }

  /** Below the server's own path, which a gateway before several clusters uses. */
  url(path: string): URL {
    return new URL(this.server.href.replace(/\/$/, '') + path);
  }

  /** After a 401. @returns whether the login may be better on a second try. */
  refuseLogin(authorization: string | undefined): boolean {
    return this.#options.credentials.refuse(authorization);
  }

  #tls(identity: ClientIdentity): TlsMaterial {
    const { cluster } = this.#options;
    const servername = asText(cluster['tls-server-name']);
    return {
      rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
      ...(identity.cert === undefined ? {} : { cert: identity.cert }),
      ...(identity.key === undefined ? {} : { key: identity.key }),
      ...(servername === undefined ? {} : { servername }),
    };
  }

  #explain(
    error: unknown,
    wanted: AbortSignal | undefined,
    timeout: AbortSignal | undefined,
    timeoutMs: number,
  ): unknown {
    if (wanted?.aborted === true) return wanted.reason;
    if (timeout?.aborted === true) return errorForTimeout(this.server, this.context, timeoutMs, error);
    return errorForSocket(error, this.server, this.context);
  }
}

/** A kept connection was closed by the other side just when it was used again; nothing was answered. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

function exchanged(request: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    // An answer of 101 would leave the request hanging; nothing here asks for an upgrade that it then wants.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.on('error', (cause) => {
      const stale = request.reusedSocket && 'code' in cause && cause.code === 'ECONNRESET';
      reject(stale ? new StaleConnection(cause.message, { cause }) : cause);
    });
    request.end(body);
  });
}

function readable(
  message: IncomingMessage,
  explain: (error: unknown) => unknown,
  authorization: string | undefined,
): Answer {
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const stream = headers['content-encoding'] === 'gzip' ? message.pipe(createGunzip()) : message;
  // A pipe does not carry the source's error over.
  if (stream !== message) message.on('error', (error) => stream.destroy(error));
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    } catch (error) {
      throw explain(error);
    }
  }
  return {
    status: message.statusCode ?? 0,
    headers,
    authorization,
    chunks,
    async text() {
      const parts: Buffer[] = [];
      for await (const chunk of chunks()) parts.push(chunk);
      return Buffer.concat(parts).toString('utf8');
    },
  };
}

/**
 * The `proxy` subresource of pods and services: an HTTP request to the pod, from outside the mesh, in plaintext.
 * Connections are kept and used again, as the real API server's are.
 */
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Kubelet } from '../../kubelet/kubelet.ts';
import type { ResourceContext } from '../http/context.ts';
import type { ApiResponse } from '../http/request.ts';
import { ApiStatus } from '../status.ts';
import { type ProxyTarget, proxyTarget } from './proxy-target.ts';

/** Go's transport closes what has been idle for so long. */
const idleTimeout = 90_000;

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The proxied request of GET, POST, PUT, PATCH and DELETE on `.../proxy/PATH`. */
export async function proxyHandler(context: ResourceContext): Promise<ApiResponse> {
  const target = proxyTarget(context);
  const { request, info } = context;
  if (info.rest === '' && !request.url.pathname.endsWith('/')) return redirectToSlash(context);
  const path = `${info.rest === '' ? '/' : info.rest}${request.url.search}`;
  const prefix = prefixOf(context);
  const answer = await send(context, target, path, prefix);
  const location = answer.headers.location;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || hopByHop.has(name)) continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  if (location !== undefined)
    headers.location = rewriteLocation(location, prefix, [target.address, request.headers.host ?? '']);
  return {
    status: answer.statusCode ?? 502,
    headers,
    body: { stream: answer, type: headers['content-type'] ?? '' },
  };
}

/** `.../proxy` itself is answered with where it begins. */
function redirectToSlash(context: ResourceContext): ApiResponse {
  const { url } = context.request;
  return {
    status: 301,
    headers: { location: `${url.pathname}/${url.search}` },
    body: { text: '', type: 'text/plain; charset=utf-8' },
  };
}

export function prefixOf(context: ResourceContext): string {
  const { pathname } = context.request.url;
  const { rest } = context.info;
  return rest === '' ? pathname.replace(/\/$/, '') : pathname.slice(0, pathname.length - rest.length);
}

/** Redirects to the pod's own root lead back through the proxy. */
function rewriteLocation(location: string, prefix: string, hosts: readonly string[]): string {
  const absolute = /^https?:\/\/([^/]*)(\/.*)?$/.exec(location);
  const path = absolute === null ? location : (absolute[2] ?? '/');
  if ((absolute !== null && !hosts.includes(absolute[1] ?? '')) || !path.startsWith('/')) return location;
  return path.startsWith(prefix) ? path : `${prefix}${path}`;
}

const agents = new WeakMap<Kubelet, Map<string, Agent>>();

/** One agent for each pod and port: a connection is used again for the same endpoint only. */
function agentFor(kubelet: Kubelet, target: ProxyTarget): Agent {
  const known = agents.get(kubelet) ?? new Map<string, Agent>();
  agents.set(kubelet, known);
  const key = `${target.pod.namespace}/${target.pod.name}/${target.uid}:${target.port}`;
  const present = known.get(key);
  if (present !== undefined) return present;
  const made = new KubeletAgent(kubelet, target);
  known.set(key, made);
  return made;
}

class KubeletAgent extends Agent {
  readonly #kubelet: Kubelet;
  readonly #target: ProxyTarget;

  constructor(kubelet: Kubelet, target: ProxyTarget) {
    super({ keepAlive: true, timeout: idleTimeout });
    this.#kubelet = kubelet;
    this.#target = target;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    this.#kubelet.dial(this.#target.pod, this.#target.port, 'network').then(
      (socket) => done?.(null, socket),
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }
}

function send(
  context: ResourceContext,
  target: ProxyTarget,
  path: string,
  prefix: string,
): Promise<IncomingMessage> {
  const { request, kubelet } = context;
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = httpRequest({
      agent: agentFor(kubelet, target),
      method: request.method,
      path,
      setHost: false,
      headers: forwardedHeaders(context, target, path, prefix),
      signal: request.signal,
    });
    sent.on('response', resolve);
    sent.on('error', (error) => reject(unreachable(error, sent, target)));
    sent.end(request.body);
  });
}

export function forwardedHeaders(
  context: ResourceContext,
  target: ProxyTarget,
  path: string,
  prefix: string,
): Record<string, string> {
  const { request } = context;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (
      value !== undefined &&
      !hopByHop.has(name) &&
      name !== 'authorization' &&
      !name.startsWith('impersonate-')
    ) {
      headers[name] = value;
    }
  }
  const known = request.headers['x-forwarded-for'];
  headers.host = request.headers.host ?? target.address;
  headers['x-forwarded-for'] = known === undefined ? '127.0.0.1' : `${known}, 127.0.0.1`;
  headers['x-forwarded-uri'] = `${prefix}${path.split('?')[0] ?? ''}`;
  headers['x-forwarded-proto'] = 'http';
  if (request.body.length > 0) headers['content-length'] = String(request.body.length);
  return headers;
}

/** A failed connection in Go's words, which people search the web for. */
export function unreachable(
  error: NodeJS.ErrnoException,
  sent: ClientRequest,
  target: ProxyTarget,
): ApiStatus {
  return new ApiStatus(
    'ServiceUnavailable',
    `error trying to reach service: ${goError(error, sent, target.address)}`,
  );
}

function goError(error: NodeJS.ErrnoException, sent: ClientRequest, address: string): string {
  const local = `${sent.socket?.localAddress ?? '127.0.0.1'}:${sent.socket?.localPort ?? 0}`;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`;
    case 'ETIMEDOUT':
      return `dial tcp ${address}: i/o timeout`;
    case 'ECONNRESET':
      // Node says so too of a connection that was closed without an answer; Go calls that EOF.
      return error.message === 'socket hang up'
        ? 'EOF'
        : `read tcp ${local}->${address}: read: connection reset by peer`;
    case 'EPIPE':
      return `write tcp ${local}->${address}: write: broken pipe`;
    default:
      return error.message.startsWith('Parse Error')
        ? `net/http: HTTP/1.x transport connection broken: malformed HTTP response`
        : error.message;
  }
}

/** Connections to the API server: keep-alive, the kubeconfig's TLS, and its proxy. One agent serves requests and WebSockets. */
import { Agent as PlainAgent } from 'node:http';
import { Agent } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { connectTunnel, proxyUnreachable } from './proxy.ts';

/** The TLS of a connection, in Node's own names, so that it fits agents, requests and WebSockets alike. */
export type TlsMaterial = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'
>;

/** Idle connections are closed by Node a second before the server's own `Keep-Alive: timeout` runs out. */
const pooled = { keepAlive: true, keepAliveMsecs: 30_000, maxSockets: 64, maxFreeSockets: 16 };

/**
 * @param proxy see `proxyFor`
 * @param keepAlive false: each connection serves one request
 */
export async function makeAgent(
  server: URL,
  tls: TlsMaterial,
  proxy: URL | undefined,
  keepAlive: boolean,
): Promise<PlainAgent> {
  const options = { ...(keepAlive ? pooled : {}), ...tls };
  if (proxy?.protocol.startsWith('socks')) {
    // Imported on need: few people reach their cluster this way.
    const { SocksProxyAgent } = await import('socks-proxy-agent');
    const agent = new SocksProxyAgent(proxy, options);
    const connect = agent.connect.bind(agent);
    agent.connect = (request, how) =>
      connect(request, how).catch((cause: unknown) => {
        // What the server itself shows behind the proxy is not the proxy's doing.
        throw isTlsError(cause) ? cause : proxyUnreachable(proxy, cause);
      });
    return agent;
  }
  const agent = server.protocol === 'http:' ? new PlainAgent(options) : new Agent(options);
  if (proxy !== undefined) tunnelThrough(agent, server, proxy, tls);
  return agent;
}

function isTlsError(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === 'EPROTO' || /^ERR_(SSL|TLS)|CERT|SIGNATURE/.test(code);
}

function tunnelThrough(agent: PlainAgent, server: URL, proxy: URL, tls: TlsMaterial): void {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  // An address is no server name (RFC 6066, section 3); the certificate is held to it all the same.
  const named = tls.servername === undefined && isIP(host) === 0 ? { servername: host } : {};
  agent.createConnection = (_options, done) => {
    connectTunnel(proxy, server).then(
      (socket) =>
        done?.(null, server.protocol === 'http:' ? socket : tlsConnect({ ...tls, socket, host, ...named })),
      // Node looks at the error first and never at the stream beside it.
      (error: Error) => Reflect.apply(done ?? (() => undefined), undefined, [error]),
    );
    return undefined;
  };
}

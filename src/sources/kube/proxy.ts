/** The way to the API server through a proxy: `proxy-url` of the kubeconfig, or HTTPS_PROXY and NO_PROXY, as kubectl reads them. */
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import { PadlockError } from '../../errors.ts';

/**
 * The proxy for a server, or undefined for a direct connection. `proxy-url` comes first; loopback addresses and
 * what NO_PROXY lists are never proxied by the environment (golang.org/x/net/http/httpproxy).
 */
export function proxyFor(
  server: URL,
  configured: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): URL | undefined {
  if (configured) return proxyUrl(configured, 'proxy-url of the kubeconfig');
  const name = server.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const variable = [name.toUpperCase(), name].find((key) => env[key]) ?? name;
  const value = env[variable];
  if (!value || exempt(server, env.NO_PROXY || env.no_proxy || '')) return undefined;
  return proxyUrl(value.includes('://') ? value : `http://${value}`, `the variable ${variable}`);
}

const proxyKinds: ReadonlySet<string> = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

/** The value itself is not printed: it may hold a password. */
function proxyUrl(value: string, place: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && url.hostname !== '' && proxyKinds.has(url.protocol)) return url;
  const what =
    url === undefined || url.hostname === ''
      ? 'is no address of a proxy'
      : `names a proxy of the kind ${url.protocol}//, which is not known`;
  throw new PadlockError('KUBECONFIG_INVALID', `${place} ${what}`, {
    hint: 'write it like http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT',
  });
}

function exempt(server: URL, noProxy: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  return noProxy.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  const [, network, bits] = /^(.*)\/(\d+)$/.exec(entry) ?? [];
  if (network !== undefined) return inNetwork(host, network, Number(bits));
  const [, name = entry, entryPort] = isIP(entry) === 6 ? [] : (/^(.*?):(\d+)$/.exec(entry) ?? []);
  if (entryPort !== undefined && entryPort !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  if (name !== domain) return host.endsWith(`.${domain}`);
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function inNetwork(host: string, network: string, bits: number): boolean {
  const kind = isIP(network);
  if (kind === 0 || isIP(host) !== kind || bits > (kind === 4 ? 32 : 128)) return false;
  const family = kind === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, family);
}

const throughProxy =
  'the kubeconfig’s proxy-url, or HTTPS_PROXY, leads through it; NO_PROXY names what does not';

/** @returns the error for a proxy that does not answer, or not as a proxy does; its login is not printed. */
export function proxyUnreachable(proxy: URL, cause: unknown): PadlockError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PadlockError(
    'CLUSTER_UNREACHABLE',
    `cannot reach the API server through the proxy ${proxy.host}: ${why}`,
    { cause, hint: throughProxy },
  );
}

const tunnelWithinMs = 30_000;

/** Opens a tunnel through an HTTP proxy by CONNECT (RFC 9110, section 9.3.6). Rejects with the socket's error or the proxy's refusal. */
export function connectTunnel(proxy: URL, server: URL): Promise<Socket> {
  const target = `${server.hostname}:${server.port || (server.protocol === 'https:' ? 443 : 80)}`;
  const auth = proxy.username
    ? `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`
    : undefined;
  const send = proxy.protocol === 'https:' ? secureRequest : request;
  return new Promise((resolve, reject) => {
    const call = send({
      host: proxy.hostname,
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      agent: false,
      timeout: tunnelWithinMs,
      headers: { host: target, ...(auth === undefined ? {} : { 'proxy-authorization': auth }) },
    });
    call.on('connect', (answer, socket: Socket) => {
      if (answer.statusCode === 200) return resolve(socket);
      socket.destroy();
      const why = `${answer.statusCode} ${answer.statusMessage}`;
      reject(
        new PadlockError(
          'CLUSTER_UNREACHABLE',
          `the proxy ${proxy.host} refused a tunnel to ${target}: ${why}`,
          {
            hint:
              answer.statusCode === 407 ? 'it wants a login: http://USER:PASSWORD@HOST:PORT' : throughProxy,
          },
        ),
      );
    });
    call.on('timeout', () => call.destroy(new Error('it does not answer')));
    call.on('error', (cause) => reject(proxyUnreachable(proxy, cause)));
    call.end();
  });
}

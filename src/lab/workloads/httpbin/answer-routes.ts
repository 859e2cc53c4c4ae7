/** httpbin's routes that answer as they are asked to: status, delay, bytes, streams, redirects, documents. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import type { WebAnswer } from '../web-server.ts';
import {
  type HttpbinRequest,
  headerOf,
  json,
  originOf,
  shownArguments,
  shownHeaders,
  text,
  urlOf,
} from './dialect.ts';
import { echo } from './echo-routes.ts';

/** The images' own limits. */
const maxDelaySeconds = 10;
const maxBytes = 100 * 1024;
const maxStreamLines = 100;

/** The first captured part of the path as a number within limits; NaN where it is none. */
function numberOf(value: string | undefined, min: number, max: number): number {
  const number = Number(value);
  return Number.isFinite(number) ? Math.min(max, Math.max(min, number)) : Number.NaN;
}

function badRequest(request: HttpbinRequest, why: string): WebAnswer {
  return json(request.dialect, { status_code: 400, error: 'Bad Request', detail: why }, 400);
}

/** /status/503, /status/200,503 and /status/200:0.9,503:0.1. */
export function status(request: HttpbinRequest, [codes = '']: readonly string[]): WebAnswer {
  const choices = codes.split(',').map((choice) => {
    const [code, weight = '1'] = choice.split(':');
    return { code: Number(code), weight: Number(weight) };
  });
  const valid = choices.every(
    ({ code, weight }) => Number.isInteger(code) && code >= 200 && code <= 599 && weight >= 0,
  );
  if (!valid) return badRequest(request, `invalid status code: ${codes}`);
  let left = Math.random() * choices.reduce((sum, { weight }) => sum + weight, 0);
  const chosen = choices.find(({ weight }) => {
    left -= weight;
    return left <= 0;
  });
  const code = chosen?.code ?? 200;
  const location = code >= 300 && code < 400 && code !== 304 ? { location: '/redirect/1' } : {};
  return { status: code, headers: { 'content-type': 'text/html; charset=utf-8', ...location } };
}

export async function delay(request: HttpbinRequest, [amount]: readonly string[]): Promise<WebAnswer> {
  const seconds = numberOf(amount, 0, maxDelaySeconds);
  if (Number.isNaN(seconds)) return badRequest(request, `invalid duration: ${amount}`);
  await sleep(seconds * 1000);
  return echo(request);
}

export function bytes(request: HttpbinRequest, [amount]: readonly string[]): WebAnswer {
  const count = numberOf(amount, 0, maxBytes);
  if (Number.isNaN(count)) return badRequest(request, `invalid byte count: ${amount}`);
  const body = randomBytes(Math.floor(count));
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
}

export function streamBytes(request: HttpbinRequest, [amount]: readonly string[]): WebAnswer {
  const count = Math.floor(numberOf(amount, 0, maxBytes));
  if (Number.isNaN(count)) return badRequest(request, `invalid byte count: ${amount}`);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < count; sent += 10_240) yield randomBytes(Math.min(10_240, count - sent));
  }
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: chunks() };
}

/** N lines of JSON, each with its number. */
export function stream(request: HttpbinRequest, [amount]: readonly string[]): WebAnswer {
  const count = numberOf(amount, 1, maxStreamLines);
  if (Number.isNaN(count)) return badRequest(request, `invalid line count: ${amount}`);
  const shown = {
    url: urlOf(request),
    args: shownArguments(request.dialect, request.query),
    headers: shownHeaders(request),
    origin: originOf(request),
  };
  async function* lines(): AsyncGenerator<string> {
    for (let id = 0; id < count; id += 1) yield `${JSON.stringify({ ...shown, id })}\n`;
  }
  return { status: 200, headers: { 'content-type': 'application/json' }, body: lines() };
}

/** /drip: bytes spread over a time. */
export function drip(request: HttpbinRequest): WebAnswer {
  const count = Math.floor(numberOf(request.query.get('numbytes') ?? '10', 1, maxBytes));
  const seconds = numberOf(request.query.get('duration') ?? '2', 0, maxDelaySeconds);
  const code = numberOf(request.query.get('code') ?? '200', 200, 599);
  if (Number.isNaN(count + seconds + code)) return badRequest(request, 'invalid drip parameters');
  async function* drops(): AsyncGenerator<string> {
    for (let index = 0; index < count; index += 1) {
      yield '*';
      await sleep((seconds * 1000) / count);
    }
  }
  return { status: code, headers: { 'content-type': 'application/octet-stream' }, body: drops() };
}

/** /redirect/N, /relative-redirect/N, /absolute-redirect/N: N hops, then /get. */
export function redirect(request: HttpbinRequest, [amount]: readonly string[]): WebAnswer {
  const hops = numberOf(amount, 1, 100);
  if (Number.isNaN(hops)) return badRequest(request, `invalid redirect count: ${amount}`);
  const absolute = request.path.startsWith('/absolute');
  const family = absolute ? '/absolute-redirect' : '/relative-redirect';
  const next = hops > 1 ? `${family}/${hops - 1}` : '/get';
  const host = `http://${headerOf(request, 'host') ?? 'localhost'}`;
  return { status: 302, headers: { location: absolute ? `${host}${next}` : next } };
}

export function redirectTo(request: HttpbinRequest): WebAnswer {
  const url = request.query.get('url');
  if (url === null) return badRequest(request, 'missing required query parameter: url');
  const code = numberOf(request.query.get('status_code') ?? '302', 300, 399);
  return { status: Number.isNaN(code) ? 302 : code, headers: { location: url } };
}

/** /response-headers?name=value: sets these headers. */
export function responseHeaders(request: HttpbinRequest): WebAnswer {
  const shown = shownArguments(request.dialect, request.query);
  return { ...json(request.dialect, shown), headers: { 'content-type': 'application/json', ...shown } };
}

export function basicAuth(request: HttpbinRequest, [user = '', password = '']: readonly string[]): WebAnswer {
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  if (headerOf(request, 'authorization') === wanted) {
    const mark = request.dialect === 'go' ? { authorized: true } : {};
    return json(request.dialect, { authenticated: true, ...mark, user });
  }
  return { status: 401, headers: { 'www-authenticate': 'Basic realm="Fake Realm"' } };
}

export function bearer(request: HttpbinRequest): WebAnswer {
  const token = /^Bearer (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
  if (token === undefined) return { status: 401, headers: { 'www-authenticate': 'Bearer' } };
  return json(request.dialect, { authenticated: true, token });
}

export function uuid(request: HttpbinRequest): WebAnswer {
  return json(request.dialect, { uuid: randomUUID() });
}

export function base64(_request: HttpbinRequest, [value = '']: readonly string[]): WebAnswer {
  const decoded = Buffer.from(decodeURIComponent(value), 'base64').toString('utf8');
  return text('text/html; charset=utf-8', decoded);
}

export function compressed(request: HttpbinRequest): WebAnswer {
  const gzip = request.path === '/gzip';
  const shown = {
    [gzip ? 'gzipped' : 'deflated']: true,
    headers: shownHeaders(request),
    method: request.method,
    origin: originOf(request),
  };
  const plain = `${JSON.stringify(shown, undefined, 2)}\n`;
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'content-encoding': gzip ? 'gzip' : 'deflate' },
    body: gzip ? gzipSync(plain) : deflateSync(plain),
  };
}

/** /cookies/set?name=value and /cookies/delete?name. */
export function changeCookies(request: HttpbinRequest): WebAnswer {
  const ending = request.path.endsWith('/delete') ? '; Max-Age=0' : '';
  const cookies = [...request.query].map(([name, value]) => `${name}=${value}; Path=/${ending}`);
  return { status: 302, headers: { location: '/cookies', 'set-cookie': cookies } };
}

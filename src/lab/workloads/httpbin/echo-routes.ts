/** httpbin's routes that tell the caller what it sent: /get, /post, /anything, /headers, /ip and the like. */
import type { WebAnswer } from '../web-server.ts';
import {
  type HttpbinRequest,
  headerOf,
  json,
  originOf,
  type Shown,
  shownArguments,
  shownHeaders,
  urlOf,
} from './dialect.ts';

export function headers(request: HttpbinRequest): WebAnswer {
  return json(request.dialect, { headers: shownHeaders(request) });
}

export function ip(request: HttpbinRequest): WebAnswer {
  return json(request.dialect, { origin: originOf(request) });
}

export function userAgent(request: HttpbinRequest): WebAnswer {
  return json(request.dialect, { 'user-agent': headerOf(request, 'user-agent') ?? '' });
}

export function cookies(request: HttpbinRequest): WebAnswer {
  const entries = (headerOf(request, 'cookie') ?? '')
    .split(';')
    .map((pair) => pair.trim().split('='))
    .filter(([name]) => name !== undefined && name !== '')
    .map(([name = '', ...rest]) => [name, rest.join('=')]);
  const found = Object.fromEntries(entries);
  return json(request.dialect, request.dialect === 'go' ? found : { cookies: found });
}

/** /get: a request without a body. */
export function get(request: HttpbinRequest): WebAnswer {
  const { dialect, query } = request;
  const shown = {
    args: shownArguments(dialect, query),
    headers: shownHeaders(request),
    ...(dialect === 'go' ? { method: request.method } : {}),
    origin: originOf(request),
    url: urlOf(request),
  };
  return json(dialect, shown);
}

/** /post, /put, /patch, /delete and /anything: all of the above and the body. */
export function echo(request: HttpbinRequest): WebAnswer {
  const { dialect, query, method, path } = request;
  const body = readBody(request);
  const anything = path.startsWith('/anything');
  const shown = {
    args: shownArguments(dialect, query),
    ...(dialect === 'go' ? { headers: shownHeaders(request), method } : {}),
    ...(dialect === 'go' ? { origin: originOf(request), url: urlOf(request) } : {}),
    data: body.data,
    files: {},
    form: body.form,
    ...(dialect === 'python' ? { headers: shownHeaders(request) } : {}),
    json: body.json,
    ...(dialect === 'python' && anything ? { method } : {}),
    ...(dialect === 'python' ? { origin: originOf(request), url: urlOf(request) } : {}),
  };
  return json(dialect, shown);
}

interface ShownBody {
  readonly data: string;
  readonly form: Readonly<Record<string, Shown>>;
  readonly json: unknown;
}

function readBody(request: HttpbinRequest): ShownBody {
  const type = headerOf(request, 'content-type') ?? '';
  const raw = request.body.toString('utf8');
  if (type.startsWith('application/x-www-form-urlencoded')) {
    const form = shownArguments(request.dialect, new URLSearchParams(raw));
    return { data: request.dialect === 'go' ? raw : '', form, json: null };
  }
  return { data: raw, form: {}, json: parseJson(raw) };
}

/** The body as JSON; null where it is none, as both images show it. */
function parseJson(raw: string): unknown {
  if (raw === '') return null;
  try {
    return JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

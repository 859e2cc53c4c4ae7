/**
 * What differs between the httpbin images that people run: the Python original (kennethreitz/httpbin, its fork
 * kong/httpbin) and go-httpbin (mccutchen/go-httpbin). The shapes are those of the running images.
 */
import type { WebAnswer, WebRequest } from '../web-server.ts';

export type Dialect = 'python' | 'go';

/** Where each image listens when nothing else is said. */
export const defaultPort: Readonly<Record<Dialect, number>> = { python: 80, go: 8080 };

/** A request with its target taken apart. */
export interface HttpbinRequest extends WebRequest {
  readonly dialect: Dialect;
  /** The path, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Values as this dialect's JSON shows repeated fields: go lists all, Python shows one as text. */
export type Shown = string | readonly string[];

/** Canonical names (`X-Request-Id`), sorted, as both images print them. */
export function shownHeaders(request: HttpbinRequest): Readonly<Record<string, Shown>> {
  const grouped = new Map<string, string[]>();
  for (const [name, value] of request.headers) {
    const canonical = canonicalName(name);
    grouped.set(canonical, [...(grouped.get(canonical) ?? []), value]);
  }
  const sorted = [...grouped].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, values]) => [name, request.dialect === 'go' ? values : values.join(',')]),
  );
}

/** The query as `args`: Python shows a single value as text, go always a list. */
export function shownArguments(dialect: Dialect, query: URLSearchParams): Readonly<Record<string, Shown>> {
  const names = [...new Set(query.keys())].sort();
  return Object.fromEntries(
    names.map((name) => {
      const values = query.getAll(name);
      return [name, dialect === 'python' && values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** Who called: the first address of X-Forwarded-For, else the peer. */
export function originOf(request: HttpbinRequest): string {
  const forwarded = headerOf(request, 'x-forwarded-for');
  if (forwarded === undefined) return request.from.ip;
  return request.dialect === 'python' ? forwarded : (forwarded.split(',')[0] ?? '').trim();
}

/** The URL that the caller meant, from Host and X-Forwarded-Proto. */
export function urlOf(request: HttpbinRequest): string {
  const scheme = headerOf(request, 'x-forwarded-proto') ?? 'http';
  return `${scheme}://${headerOf(request, 'host') ?? 'localhost'}${request.target}`;
}

/** The first value of a header; names compare without case. */
export function headerOf(request: WebRequest, name: string): string | undefined {
  return request.headers.find(([own]) => own.toLowerCase() === name)?.[1];
}

function canonicalName(name: string): string {
  return name
    .toLowerCase()
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('-');
}

/** An answer in JSON, indented by two as both images print it. */
export function json(dialect: Dialect, value: unknown, status = 200): WebAnswer {
  const type = dialect === 'go' ? 'application/json; charset=utf-8' : 'application/json';
  return { status, headers: { 'content-type': type }, body: `${JSON.stringify(value, undefined, 2)}\n` };
}

export function text(type: string, body: string, status = 200): WebAnswer {
  return { status, headers: { 'content-type': type }, body };
}

/** What every answer of the image carries. */
export function commonHeaders(dialect: Dialect): Readonly<Record<string, string>> {
  const cors = { 'access-control-allow-credentials': 'true', 'access-control-allow-origin': '*' };
  return dialect === 'python' ? { ...cors, server: 'gunicorn/19.9.0' } : cors;
}

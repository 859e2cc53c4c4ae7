/** httpbin: answers like the images of that name. */
import type { AnswerRequest, WebAnswer } from '../web-server.ts';
import * as answers from './answer-routes.ts';
import { commonHeaders, type Dialect, type HttpbinRequest, json } from './dialect.ts';
import * as documents from './documents.ts';
import * as echoes from './echo-routes.ts';

type Route = (request: HttpbinRequest, captured: readonly string[]) => WebAnswer | Promise<WebAnswer>;

interface RouteEntry {
  /** `*` for any method. */
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly route: Route;
}

const read = ['GET', 'HEAD'];
const any = ['*'];

const routes: readonly RouteEntry[] = [
  { methods: read, path: /^\/$/, route: documents.home },
  { methods: read, path: /^\/headers$/, route: echoes.headers },
  { methods: read, path: /^\/ip$/, route: echoes.ip },
  { methods: read, path: /^\/user-agent$/, route: echoes.userAgent },
  { methods: read, path: /^\/get$/, route: echoes.get },
  { methods: ['POST'], path: /^\/post$/, route: echoes.echo },
  { methods: ['PUT'], path: /^\/put$/, route: echoes.echo },
  { methods: ['PATCH'], path: /^\/patch$/, route: echoes.echo },
  { methods: ['DELETE'], path: /^\/delete$/, route: echoes.echo },
  { methods: any, path: /^\/anything(?:\/.*)?$/, route: echoes.echo },
  { methods: read, path: /^\/cookies$/, route: echoes.cookies },
  { methods: read, path: /^\/cookies\/(?:set|delete)$/, route: answers.changeCookies },
  { methods: any, path: /^\/status\/([^/]+)$/, route: answers.status },
  { methods: any, path: /^\/delay\/([^/]+)$/, route: answers.delay },
  { methods: read, path: /^\/bytes\/([^/]+)$/, route: answers.bytes },
  { methods: read, path: /^\/stream-bytes\/([^/]+)$/, route: answers.streamBytes },
  { methods: read, path: /^\/stream\/([^/]+)$/, route: answers.stream },
  { methods: read, path: /^\/drip$/, route: answers.drip },
  { methods: read, path: /^\/(?:relative-|absolute-)?redirect\/([^/]+)$/, route: answers.redirect },
  { methods: any, path: /^\/redirect-to$/, route: answers.redirectTo },
  { methods: ['GET', 'HEAD', 'POST'], path: /^\/response-headers$/, route: answers.responseHeaders },
  { methods: read, path: /^\/basic-auth\/([^/]+)\/([^/]+)$/, route: answers.basicAuth },
  { methods: read, path: /^\/bearer$/, route: answers.bearer },
  { methods: read, path: /^\/uuid$/, route: answers.uuid },
  { methods: read, path: /^\/base64\/([^/]+)$/, route: answers.base64 },
  { methods: read, path: /^\/(?:gzip|deflate)$/, route: answers.compressed },
  { methods: read, path: /^\/json$/, route: documents.jsonDocument },
  { methods: read, path: /^\/html$/, route: documents.html },
  { methods: read, path: /^\/xml$/, route: documents.xml },
  { methods: read, path: /^\/robots\.txt$/, route: documents.robots },
  { methods: read, path: /^\/deny$/, route: documents.deny },
];

/** @returns what answers requests as the image of this dialect does. */
export function httpbin(dialect: Dialect): AnswerRequest {
  return async (request) => {
    const url = new URL(request.target, 'http://localhost');
    const asked: HttpbinRequest = { ...request, dialect, path: url.pathname, query: url.searchParams };
    const answer = await route(asked);
    return { ...answer, headers: { ...commonHeaders(dialect), ...answer.headers } };
  };
}

async function route(request: HttpbinRequest): Promise<WebAnswer> {
  const here = routes.filter(({ path }) => path.test(request.path));
  if (here.length === 0) return missing(request);
  const entry = here.find(({ methods }) => methods.includes('*') || methods.includes(request.method));
  if (entry === undefined) {
    const allow = [...new Set(here.flatMap(({ methods }) => methods))].join(', ');
    return { status: 405, headers: { allow, 'content-type': 'text/plain' }, body: 'Method Not Allowed\n' };
  }
  return entry.route(request, entry.path.exec(request.path)?.slice(1) ?? []);
}

function missing(request: HttpbinRequest): WebAnswer {
  if (request.dialect === 'go') {
    return json('go', { status_code: 404, error: 'Not Found' }, 404);
  }
  const body =
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server.</p>\n';
  return { status: 404, headers: { 'content-type': 'text/html' }, body };
}

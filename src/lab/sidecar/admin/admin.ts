/** Envoy's administration interface on port 15000 (https://www.envoyproxy.io/docs/envoy/latest/operations/admin). */
import type { ConfigLoader } from '../config-loader.ts';
import type { ProxyRuntime } from '../proxy.ts';
import { formatPrometheus } from '../stats/prometheus.ts';
import { collectStats } from '../stats/stat-lines.ts';
import { formatStats } from '../stats/stats-text.ts';
import { certificatesPage } from './certificates-page.ts';
import { clustersJson, clustersText } from './clusters-page.ts';
import { configDump } from './config-dump.ts';
import { listenersJson, listenersText } from './listeners-page.ts';
import { jsonReply, type Reply, textReply } from './reply.ts';
import { serverInfo } from './server-info.ts';

export interface AdminContext {
  readonly proxy: ProxyRuntime;
  readonly loader: ConfigLoader;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  ready(): boolean;
  /** The proxy's stats matcher. */
  included(name: string): boolean;
}

type Page = (context: AdminContext, query: URLSearchParams) => Reply;

const pages: Readonly<Record<string, readonly [Page, string]>> = {
  '/certs': [(context) => jsonReply(certificatesPage(context)), 'print certs on machine'],
  '/clusters': [
    ({ loader }, query) =>
      query.get('format') === 'json' ? jsonReply(clustersJson(loader)) : textReply(clustersText(loader)),
    'upstream cluster status',
  ],
  '/config_dump': [
    (context, query) => configDump(context, query),
    'dump current Envoy configs (experimental)',
  ],
  '/help': [() => textReply(help()), 'print out list of admin commands'],
  '/listeners': [
    ({ loader }, query) =>
      query.get('format') === 'json' ? jsonReply(listenersJson(loader)) : textReply(listenersText(loader)),
    'print listener info',
  ],
  '/ready': [
    ({ ready }) => (ready() ? textReply('LIVE\n') : textReply('PRE_INITIALIZING\n', 503)),
    'print server state, return 200 if LIVE, otherwise return 503',
  ],
  '/server_info': [(context) => jsonReply(serverInfo(context)), 'print server version/status information'],
  '/stats': [statsPage, 'print server stats'],
  '/stats/prometheus': [prometheusPage, 'print server stats in prometheus format'],
};

/** Answers one request; whoever cannot read the page is told so with Envoy's 404. */
export function adminReply(context: AdminContext, method: string, target: string): Reply {
  const url = new URL(target, 'http://localhost');
  if (url.pathname === '/') return { status: 200, contentType: 'text/html; charset=UTF-8', body: homePage() };
  const page = pages[url.pathname];
  if (page === undefined) return textReply(`invalid path. admin commands are:\n${help()}`, 404);
  if (method !== 'GET' && method !== 'HEAD')
    return textReply(`Method ${method} not allowed, GET required.`, 405);
  return page[0](context, url.searchParams);
}

function statsPage(context: AdminContext, query: URLSearchParams): Reply {
  if (query.get('format') === 'prometheus') return prometheusPage(context, query);
  refreshGauges(context);
  const filter = filterOf(query);
  if (typeof filter === 'string') return textReply(filter, 400);
  const lines = collectStats(context.proxy.stats, context.included);
  if (query.get('format') === 'json') {
    const wanted = [...lines.counters, ...lines.gauges].filter(([name]) => filter?.test(name) ?? true);
    return jsonReply({ stats: wanted.map(([name, value]) => ({ name, value })) });
  }
  return textReply(formatStats(lines, context.proxy.metrics, filter));
}

/** Also what ports 15020 and 15090 serve; `?filter=` keeps statistics by the names that they have before tags are taken out. */
export function prometheusPage(context: AdminContext, query: URLSearchParams): Reply {
  refreshGauges(context);
  const filter = filterOf(query);
  if (typeof filter === 'string') return textReply(filter, 400);
  const included =
    filter === undefined
      ? context.included
      : (name: string): boolean => filter.test(name) && context.included(name);
  const lines = collectStats(context.proxy.stats, included);
  return textReply(formatPrometheus(lines, context.proxy.metrics, filter));
}

/** The query's expression, or what is wrong with it. */
function filterOf(query: URLSearchParams): RegExp | undefined | string {
  const filter = query.get('filter');
  try {
    return filter === null ? undefined : new RegExp(filter);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `Invalid re2 regex: ${error.message}`;
  }
}

/** Gauges that are read off the proxy rather than counted. */
function refreshGauges({ proxy, startedAt, ready }: AdminContext): void {
  const server = proxy.stats.scope('server.', 'server');
  const own = proxy.secrets.certificate?.value;
  const now = proxy.now();
  server.set('uptime', Math.floor((now - startedAt) / 1000));
  server.set('live', ready() ? 1 : 0);
  server.set('state', ready() ? 0 : 2);
  server.set('concurrency', 2);
  const controlPlane = proxy.stats.scope('control_plane.', 'controlPlane');
  controlPlane.set('connected_state', 1);
  if (own === undefined) return;
  server.set(
    'days_until_first_cert_expiring',
    Math.max(0, Math.floor((own.notAfter.getTime() - now) / 86_400_000)),
  );
  const roots = proxy.secrets.roots?.value.certificates.at(-1);
  for (const scope of proxy.stats.scopes()) {
    if (!scope.kinds.has('ssl')) continue;
    scope.set(
      'ssl.certificate.default.expiration_unix_time_seconds',
      Math.floor(own.notAfter.getTime() / 1000),
    );
    if (roots === undefined) continue;
    scope.set(
      'ssl.certificate.ROOTCA.expiration_unix_time_seconds',
      Math.floor(roots.validToDate.getTime() / 1000),
    );
  }
}

function help(): string {
  return Object.entries(pages)
    .map(([path, [, sentence]]) => `  ${path}: ${sentence}\n`)
    .join('');
}

function homePage(): string {
  const rows = Object.entries(pages)
    .map(
      ([path, [, sentence]]) =>
        `<tr><td><a href="${path.slice(1)}">${path.slice(1)}</a></td><td>${sentence}</td></tr>`,
    )
    .join('\n');
  return `<!DOCTYPE html>\n<html><head><title>Envoy Admin</title></head><body>\n<table>\n${rows}\n</table>\n</body></html>\n`;
}

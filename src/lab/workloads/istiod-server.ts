/**
 * The HTTP side of the istiod pod: readiness on 8080, version and metrics on 15014. The control plane itself is
 * lab/istiod, in this process; its xDS and CA ports (15010, 15012, 15017) are not served on the network.
 */
import { istioVersion } from '../istio-version.ts';
import type { ProxyStatus } from '../istiod/istiod.ts';
import type { Program, ProgramHost } from './program.ts';
import { serve } from './serve.ts';
import type { WebAnswer, WebRequest } from './web-server.ts';

export function startIstiodServer(host: ProgramHost): Program {
  const { proxyStatus } = host;
  return serve(host, {
    ports: [8080, 15014],
    answer: (request) =>
      pathOf(request) === '/debug/syncz' ? syncz(request, proxyStatus?.() ?? []) : answer(request),
  });
}

/** istioctl asks for `//version`; Go's server takes two slashes for one. */
function pathOf(request: WebRequest): string {
  return (request.target.split('?')[0] ?? '').replaceAll(/\/{2,}/g, '/');
}

/** As istiod: debug pages are for callers on the pod's own loopback (a port-forward, `pilot-discovery request`). */
function syncz(request: WebRequest, status: readonly ProxyStatus[]): WebAnswer {
  if (request.from.ip !== '127.0.0.1') return text('you must be authenticated', 401);
  const entries = status.map(({ proxy, sent, acknowledged = '' }) => ({
    cluster_id: 'Kubernetes',
    proxy,
    proxy_type: 'sidecar',
    istio_version: istioVersion,
    cluster_sent: sent,
    cluster_acked: acknowledged,
    listener_sent: sent,
    listener_acked: acknowledged,
    route_sent: sent,
    route_acked: acknowledged,
    endpoint_sent: sent,
    endpoint_acked: acknowledged,
  }));
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(entries, null, 2),
  };
}

const text = (body: string, status = 200): WebAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

function answer(request: WebRequest): WebAnswer {
  const path = pathOf(request);
  if (path === '/ready') return text('');
  if (path === '/version') return text(`${istioVersion}-padlock-Clean`);
  if (path === '/metrics') {
    return text(
      `# HELP istio_build Istio component build info\n# TYPE istio_build gauge\nistio_build{component="pilot",tag="${istioVersion}"} 1\n`,
    );
  }
  return text('404 page not found\n', 404);
}

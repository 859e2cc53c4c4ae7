/**
 * The istiod pod as people ask it: readiness on 8080, version, metrics and debug pages on 15014, and what istioctl asks on
 * 15012. The control plane itself is lab/istiod, in this process; no sidecar or webhook comes to this pod.
 */
import { istioVersion } from '../../istio-version.ts';
import type { Program, ProgramHost } from '../program.ts';
import { serve } from '../serve.ts';
import type { WebAnswer, WebRequest } from '../web-server.ts';
import { synczJson } from './sync-status.ts';
import { createXdsServer } from './xds-server.ts';

export function startIstiodServer(host: ProgramHost): Program {
  const { controlPlane } = host;
  const pages = serve(host, {
    ports: [8080, 15014],
    answer: (request) =>
      pathOf(request) === '/debug/syncz'
        ? syncz(request, synczJson(controlPlane?.status() ?? []))
        : answer(request),
  });
  if (controlPlane === undefined) return pages;
  const xds = createXdsServer(controlPlane, host.pod.metadata.name);
  // Debug information is for whoever may forward a port, and so has the API server's leave: not for the network.
  const close = host.listen(15012, (socket) => void xds.then((server) => server.accept(socket)), {
    loopbackOnly: true,
  });
  const end = (): void => {
    close();
    void xds.then((server) => server.close());
  };
  return {
    ...pages,
    serving: xds.then(() => undefined),
    stop: () => {
      end();
      pages.stop();
    },
    kill: () => {
      end();
      pages.kill();
    },
  };
}

/** istioctl asks for `//version`; Go's server takes two slashes for one. */
function pathOf(request: WebRequest): string {
  return (request.target.split('?')[0] ?? '').replaceAll(/\/{2,}/g, '/');
}

/** As istiod: debug pages are for callers on the pod's own loopback (a port-forward, `pilot-discovery request`). */
function syncz(request: WebRequest, body: string): WebAnswer {
  if (request.from.ip !== '127.0.0.1') return text('you must be authenticated', 401);
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
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

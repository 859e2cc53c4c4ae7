/**
 * The HTTP side of the istiod pod: readiness on 8080, version and metrics on 15014. The control plane itself is
 * lab/istiod, in this process; its xDS and CA ports (15010, 15012, 15017) are not served on the network.
 */
import { istioVersion } from '../istio-version.ts';
import type { Program, ProgramHost } from './program.ts';
import { serve } from './serve.ts';
import type { WebAnswer, WebRequest } from './web-server.ts';

export function startIstiodServer(host: ProgramHost): Program {
  return serve(host, { ports: [8080, 15014], answer });
}

const text = (body: string, status = 200): WebAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

function answer(request: WebRequest): WebAnswer {
  const path = request.target.split('?')[0];
  if (path === '/ready') return text('');
  if (path === '/version') return text(`${istioVersion}-padlock-Clean`);
  if (path === '/metrics') {
    return text(
      `# HELP istio_build Istio component build info\n# TYPE istio_build gauge\nistio_build{component="pilot",tag="${istioVersion}"} 1\n`,
    );
  }
  return text('404 page not found\n', 404);
}

/**
 * A gateway's proxy without routes: its health and its metrics. With no Gateway resource a real one serves no more;
 * the lab's gateways route nothing, see docs/lab.md.
 */
import type { Program, ProgramHost } from './program.ts';
import { serve } from './serve.ts';
import type { WebAnswer, WebRequest } from './web-server.ts';

export function startGateway(host: ProgramHost): Program {
  return serve(host, { ports: [15020, 15021, 15090], answer });
}

function answer(request: WebRequest): WebAnswer {
  const path = request.target.split('?')[0];
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  if (path === '/healthz/ready') return { status: 200 };
  if (path === '/stats/prometheus' || path === '/metrics') {
    return { status: 200, headers, body: '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n' };
  }
  return { status: 404, headers, body: '404 page not found\n' };
}

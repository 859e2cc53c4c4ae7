/**
 * A gateway's proxy without routes: its health, its metrics, and an admin port that shows an empty configuration. With no Gateway resource a real one serves no more;
 * the lab's gateways route nothing, see docs/lab.md.
 */
import type { Program, ProgramHost } from './program.ts';
import { serve } from './serve.ts';
import type { WebAnswer, WebRequest } from './web-server.ts';

export function startGateway(host: ProgramHost): Program {
  return serve(host, { ports: [15020, 15021, 15090], local: [15000], answer });
}

function answer(request: WebRequest): WebAnswer {
  const path = request.target.split('?')[0];
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  if (path === '/healthz/ready') return { status: 200 };
  if (path === '/stats/prometheus' || path === '/metrics') {
    return { status: 200, headers, body: '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n' };
  }
  if (path === '/config_dump') {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"configs":[]}' };
  }
  return { status: 404, headers, body: '404 page not found\n' };
}

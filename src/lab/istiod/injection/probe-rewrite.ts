/**
 * Probes and hooks that the kubelet would send to the application's port are sent to the agent on 15020 instead, which
 * asks the application over loopback: under STRICT the kubelet has no certificate (pkg/kube/inject/app_probe.go).
 */
import { type Fields, isFields } from '../../../istio/fields.ts';

export interface RewrittenProbes {
  readonly containers: readonly Fields[];
  /** The original probes by their new path: what the agent must ask. */
  readonly probers: Fields;
}

const agentPort = 15020;

const probeFields = [
  ['readinessProbe', 'readyz'],
  ['livenessProbe', 'livez'],
  ['startupProbe', 'startupz'],
] as const;

/** `exec` probes stay as they are: they run inside the container. */
export function rewriteProbes(containers: readonly Fields[]): RewrittenProbes {
  const probers: Record<string, unknown> = {};
  const rewritten = containers.map((container) => {
    const changed: Record<string, unknown> = {};
    for (const [field, suffix] of probeFields) {
      const probe = container[field];
      if (!isFields(probe)) continue;
      const path = `/app-health/${String(container.name)}/${suffix}`;
      const prober = toProber(probe, container);
      if (prober === undefined) continue;
      probers[path] = prober;
      changed[field] = toAgent(probe, path);
    }
    return { ...container, ...changed };
  });
  return { containers: rewritten, probers };
}

/** The original handler with its port as a number; undefined where it is not rewritten. */
function toProber(probe: Fields, container: Fields): Fields | undefined {
  const timeout = typeof probe.timeoutSeconds === 'number' ? { timeoutSeconds: probe.timeoutSeconds } : {};
  for (const kind of ['httpGet', 'tcpSocket', 'grpc'] as const) {
    const handler = probe[kind];
    if (!isFields(handler)) continue;
    // A probe of the agent itself has been rewritten before.
    if (handler.port === agentPort) return undefined;
    const port = portNumber(handler.port, container);
    return { [kind]: { ...handler, ...(port === undefined ? {} : { port }) }, ...timeout };
  }
  return undefined;
}

function portNumber(port: unknown, container: Fields): number | undefined {
  if (typeof port === 'number') return port;
  const ports = Array.isArray(container.ports) ? container.ports.filter(isFields) : [];
  const found = ports.find((item) => item.name === port)?.containerPort;
  return typeof found === 'number' ? found : undefined;
}

function toAgent(probe: Fields, path: string): Fields {
  const { httpGet: _httpGet, tcpSocket: _tcpSocket, grpc: _grpc, ...timing } = probe;
  return { ...timing, httpGet: { path, port: agentPort, scheme: 'HTTP' } };
}

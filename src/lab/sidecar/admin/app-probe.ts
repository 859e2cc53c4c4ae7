/** The agent's part of rewritten probes: /app-health/CONTAINER/livez and its like on 15020 ask the application. */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { SidecarHost } from '../sidecar.ts';
import { type Reply, textReply } from './reply.ts';

/** A probe as injection writes it into ISTIO_KUBE_APP_PROBERS: Kubernetes' own handler. */
export interface Prober {
  readonly httpGet?: {
    readonly path?: string;
    readonly port?: number;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port?: number };
  readonly grpc?: { readonly port?: number; readonly service?: string };
  readonly timeoutSeconds?: number;
}

/** The probers of a pod by their path on 15020. */
export function readProbers(pod: KubeObject): ReadonlyMap<string, Prober> {
  const text = environmentOf(pod, 'ISTIO_KUBE_APP_PROBERS');
  if (text === undefined) return new Map();
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) return new Map();
  // Written by this lab's own injection; the fields are read one by one where they are used.
  return new Map(Object.entries(parsed).filter(([, value]) => isRecord(value)) as [string, Prober][]);
}

/** Answers with the application's own status for HTTP, else with 200 or 500. */
export async function probeApplication(prober: Prober, host: SidecarHost): Promise<Reply> {
  const port = prober.httpGet?.port ?? prober.tcpSocket?.port ?? prober.grpc?.port;
  if (port === undefined) return textReply('invalid prober config', 500);
  const timeoutMs = (prober.timeoutSeconds ?? 1) * 1000;
  try {
    const socket = await host.connectLocal(port);
    if (prober.httpGet === undefined) {
      socket.destroy();
      return textReply('');
    }
    const status = await getStatus(socket, prober.httpGet, host.ip, timeoutMs);
    return textReply('', status);
  } catch (error) {
    return textReply(`${error instanceof Error ? error.message : String(error)}\n`, 500);
  }
}

function getStatus(
  raw: Socket,
  get: NonNullable<Prober['httpGet']>,
  podIp: string,
  timeoutMs: number,
): Promise<number> {
  // As the kubelet does, the certificate of an HTTPS probe is not checked.
  const socket = get.scheme === 'HTTPS' ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw;
  const headers: Record<string, string> = {
    host: `${podIp}:${get.port ?? 80}`,
    'user-agent': 'kube-probe/1.36',
  };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const path = get.path ?? '/';
  return new Promise((resolve, reject) => {
    const probe = request({
      createConnection: () => socket,
      path: path.startsWith('/') ? path : `/${path}`,
      headers,
      timeout: timeoutMs,
    });
    probe.once('response', (response) => {
      response.resume();
      response.once('end', () => socket.destroy());
      resolve(response.statusCode ?? 500);
    });
    probe.once('timeout', () => probe.destroy(new Error('probe timed out')));
    probe.once('error', reject);
    probe.end();
  });
}

function environmentOf(pod: KubeObject, name: string): string | undefined {
  const spec = isRecord(pod.spec) ? pod.spec : {};
  for (const list of [spec.containers, spec.initContainers]) {
    for (const container of Array.isArray(list) ? list : []) {
      if (!isRecord(container) || container.name !== 'istio-proxy') continue;
      for (const variable of Array.isArray(container.env) ? container.env : []) {
        if (isRecord(variable) && variable.name === name && typeof variable.value === 'string')
          return variable.value;
      }
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

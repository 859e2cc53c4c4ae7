/** One probe, really sent: from the node over the pod's network, or as a command in the container. */
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Container, PodObject, PortReference, Probe } from '../kinds/pod.ts';
import { errorCode } from '../net/socket-error.ts';
import type { ProbeResult } from './prober.ts';

export interface ProbeTarget {
  readonly pod: PodObject;
  readonly container: Container;
  readonly ip: string;
  /** Connects from the node. */
  readonly dial: (ip: string, port: number) => Promise<Socket>;
  /** Runs a command in the container; resolves with its exit code and output. */
  readonly exec: (
    command: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly code: number; readonly output: string }>;
}

/** Never rejects for what a probe may find; a result that is not ok says why. */
export async function runProbe(target: ProbeTarget, probe: Probe, stop: AbortSignal): Promise<ProbeResult> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout((probe.timeoutSeconds ?? 1) * 1000)]);
  try {
    if (probe.httpGet !== undefined) return await probeHttp(target, probe.httpGet, signal);
    if (probe.tcpSocket !== undefined) return await probeTcp(target, probe.tcpSocket, signal);
    if (probe.grpc !== undefined) return await probeGrpc(target, probe.grpc, signal);
    return await probeExec(target, probe.exec?.command ?? [], signal);
  } catch (error) {
    if (signal.aborted)
      return failed('context deadline exceeded (Client.Timeout exceeded while awaiting headers)');
    if (errorCode(error) === undefined && !(error instanceof UnknownPort)) throw error;
    return failed(error instanceof Error ? error.message : String(error));
  }
}

const failed = (message: string): ProbeResult => ({ ok: false, message });
const passed: ProbeResult = { ok: true, message: '' };

/** A probe that names a port which its container does not declare. */
class UnknownPort extends Error {}

function portOf(container: Container, port: PortReference): number {
  if (typeof port === 'number') return port;
  const found = container.ports?.find((item) => item.name === port)?.containerPort ?? Number(port);
  if (Number.isInteger(found)) return found;
  throw new UnknownPort(`couldn't find port: "${port}" in container "${container.name}"`);
}

async function probeHttp(
  target: ProbeTarget,
  { path = '/', port, host, scheme = 'HTTP', httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const number = portOf(target.container, port);
  const address = host === undefined || host === '' ? target.ip : host;
  const plain = await target.dial(address, number);
  // The kubelet does not verify certificates of probes either.
  const socket = scheme === 'HTTPS' ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
  const headers: Record<string, string> = {
    host: `${address}:${number}`,
    'user-agent': 'kube-probe/1.33',
    connection: 'close',
  };
  for (const { name, value } of httpHeaders) headers[name.toLowerCase()] = value;
  const status = await new Promise<number>((resolve, reject) => {
    const call = request(
      { createConnection: () => socket, method: 'GET', path, headers, signal },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', reject);
    call.end();
  }).finally(() => socket.destroy());
  return status >= 200 && status < 400 ? passed : failed(`HTTP probe failed with statuscode: ${status}`);
}

async function probeTcp(
  target: ProbeTarget,
  { port, host }: NonNullable<Probe['tcpSocket']>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const address = host === undefined || host === '' ? target.ip : host;
  const socket = await target.dial(address, portOf(target.container, port));
  socket.destroy();
  signal.throwIfAborted();
  return passed;
}

/** grpc.health.v1 Check over HTTP/2 in plaintext. */
async function probeGrpc(
  target: ProbeTarget,
  { port, service = '' }: NonNullable<Probe['grpc']>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const socket = await target.dial(target.ip, port);
  const session = connectHttp2(`http://${target.ip}:${port}`, { createConnection: () => socket });
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([10, name.length]), name]);
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const answer = new Promise<ProbeResult>((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    signal.addEventListener('abort', () => stream.close());
    let body = Buffer.alloc(0);
    let code = '';
    stream.on('response', (headers) => (code = String(headers['grpc-status'] ?? code)));
    stream.on('trailers', (trailers) => (code = String(trailers['grpc-status'] ?? code)));
    stream.on('data', (chunk: Buffer) => (body = Buffer.concat([body, chunk])));
    stream.once('error', reject);
    stream.once('close', () => {
      const serving = code === '0' && body[5] === 8 && body[6] === 1;
      resolve(serving ? passed : failed(`service unhealthy (responded with status "${code}")`));
    });
    stream.end(frame);
  });
  return answer.finally(() => session.destroy());
}

async function probeExec(
  target: ProbeTarget,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { code, output } = await target.exec(command, signal);
  return code === 0 ? passed : failed(output.trim());
}

/**
 * The HTTPS server of a node's kubelet, on loopback: a real kube-apiserver talks to it as to any kubelet. It takes
 * connections from the API server's client certificate alone, so nobody runs a command in a pod past the API.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { writeResponse } from '../../api/http/node-http.ts';
import { ApiStatus } from '../../api/status.ts';
import { refuseWith } from '../../api/streams/handshake.ts';
import { listenOnLoopback } from '../../net/listen.ts';
import type { KubeletCertificates } from './kubelet-certificates.ts';
import { kubeletAnswer, kubeletStream } from './kubelet-requests.ts';
import type { PodRuntime } from './pod-runtime.ts';

export interface KubeletServerOptions {
  readonly runtime: PodRuntime;
  readonly certificates: KubeletCertificates;
  readonly now: () => Date;
  /** Called with what the runtime threw that is no `ApiStatus`: a bug, which the caller sees as 500. */
  readonly onInternalError: (error: unknown) => void;
}

export interface KubeletServer {
  /** On 127.0.0.1: what a Node's `status.daemonEndpoints.kubeletEndpoint` names. */
  readonly port: number;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** Starts to serve on a free port of 127.0.0.1. Several nodes may name it: pods are told apart by their names. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { certificates } = options;
  const closing = new AbortController();
  const server = createServer({
    key: certificates.server.key,
    cert: certificates.server.certificate,
    ca: certificates.caCertificate,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    requestTimeout: 0,
    // As Go's servers: the words of a long command are in the request line.
    maxHeaderSize: 1024 * 1024,
  });
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A caller that goes away mid-request is no event here.
    socket.on('error', () => socket.destroy());
  });
  server.on('request', (incoming, outgoing) => void answer(options, closing.signal, incoming, outgoing));
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    kubeletStream(options.runtime, urlOf(incoming), { incoming, socket, head }).catch((error: unknown) => {
      if (error instanceof ApiStatus) refuseWith(socket, error.code, 'text/plain', wordsOf(error));
      else {
        socket.destroy();
        options.onInternalError(error);
      }
    });
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    close: async () => {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function urlOf(incoming: IncomingMessage): URL {
  return new URL(incoming.url ?? '/', 'https://kubelet');
}

/** Kubelets refuse in plain text; the API server makes a Status of it, and says itself what could not be upgraded. */
function wordsOf(error: ApiStatus): string {
  return error.message.replace(/^unable to upgrade connection: /, '');
}

async function answer(
  options: KubeletServerOptions,
  closing: AbortSignal,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  try {
    const response = await kubeletAnswer(options.runtime, urlOf(incoming), options.now(), signal);
    await writeResponse(outgoing, response, incoming.method === 'HEAD');
  } catch (error) {
    if (!(error instanceof ApiStatus)) options.onInternalError(error);
    const [status, text] = error instanceof ApiStatus ? [error.code, wordsOf(error)] : [500, String(error)];
    await writeResponse(outgoing, { status, body: { text, type: 'text/plain' } }, false);
  }
}

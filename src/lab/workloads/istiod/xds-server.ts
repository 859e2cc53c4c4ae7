/**
 * istiod's port 15012 as istioctl uses it: gRPC over TLS with the debug types of the aggregated discovery service
 * (`istioctl proxy-status`, `x internal-debug`). The lab's own sidecars are configured inside this process and do not ask here.
 */
import { createSecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { istioVersion } from '../../istio-version.ts';
import type { Istiod } from '../../istiod/istiod.ts';
import { clientConfig, synczJson } from './sync-status.ts';
import { any, type DiscoveryRequest, message, readDiscoveryRequest } from './wire.ts';

/** What of the control plane is shown. */
export type ControlPlane = Pick<Istiod, 'status' | 'ca'>;

export interface XdsServer {
  readonly accept: (socket: Socket) => void;
  close(): void;
}

/** gRPC's status codes (grpc.io/docs/guides/status-codes). */
const codes = { invalidArgument: 3, unimplemented: 12 } as const;

class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

type Answer = (request: DiscoveryRequest) => Buffer;

const streamPath = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const maxMessage = 1024 * 1024;

/** @param podName istiod's own, which istioctl prints */
export async function createXdsServer(controlPlane: ControlPlane, podName: string): Promise<XdsServer> {
  const { chain, privateKey } = await controlPlane.ca.issue({
    spiffeId: 'spiffe://cluster.local/ns/istio-system/sa/istiod',
    ttlSeconds: 365 * 24 * 3600,
  });
  const server = createSecureServer({ cert: chain, key: privateKey });
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // A peer that goes away is no mistake of the lab's.
    session.on('error', () => session.destroy());
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('stream', (stream, headers) =>
    serveStream(stream, String(headers[':path'] ?? ''), (request) =>
      discoveryResponse(request, controlPlane, podName),
    ),
  );
  return {
    accept: (socket) => void server.emit('connection', socket),
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** One call: each message is five bytes of frame and a DiscoveryRequest (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). */
function serveStream(stream: ServerHttp2Stream, path: string, answer: Answer): void {
  let end: GrpcError | undefined;
  stream.on('error', () => stream.destroy());
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () =>
    stream.sendTrailers({
      'grpc-status': String(end?.code ?? 0),
      ...(end === undefined ? {} : { 'grpc-message': encodeURI(end.message) }),
    }),
  );
  const fail = (error: unknown): void => {
    if (!(error instanceof GrpcError)) throw error;
    end = error;
    stream.end();
  };
  if (path !== streamPath) {
    fail(new GrpcError(codes.unimplemented, `the lab's istiod does not serve ${path}`));
    return;
  }
  let unread = Buffer.alloc(0);
  const answered = new Set<string>();
  stream.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    try {
      while (end === undefined && unread.length >= 5) {
        const length = unread.readUInt32BE(1);
        if (length > maxMessage) throw new GrpcError(codes.invalidArgument, 'the message is too large');
        if (unread.length < 5 + length) return;
        const request = readRequest(unread.subarray(5, 5 + length));
        unread = unread.subarray(5 + length);
        // What comes after the answer acknowledges it. The nonce does not tell: istioctl's first request has one.
        if (answered.has(request.typeUrl)) continue;
        answered.add(request.typeUrl);
        stream.write(framed(answer(request)));
      }
    } catch (error) {
      fail(error);
    }
  });
  stream.on('end', () => stream.end());
}

function readRequest(bytes: Buffer): DiscoveryRequest {
  try {
    return readDiscoveryRequest(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new GrpcError(codes.invalidArgument, `no DiscoveryRequest: ${error.message}`);
  }
}

function framed(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** @throws GrpcError for what the lab's istiod does not know */
function discoveryResponse(request: DiscoveryRequest, controlPlane: ControlPlane, podName: string): Buffer {
  const identifier = JSON.stringify({
    Component: 'istiod',
    ID: podName,
    Info: {
      version: istioVersion,
      revision: 'padlock',
      golang_version: '',
      status: 'Clean',
      tag: istioVersion,
    },
  });
  return message(
    [1, '1'],
    ...resourcesFor(request, controlPlane).map((resource) => [2, resource] as const),
    [4, request.typeUrl],
    [5, '1'],
    [6, message([1, identifier])],
  );
}

function resourcesFor(
  { typeUrl, resourceNames }: DiscoveryRequest,
  { status }: ControlPlane,
): readonly Buffer[] {
  const [name = ''] = resourceNames;
  if (typeUrl === 'istio.io/debug/syncz') return status().map(clientConfig);
  if (typeUrl === 'istio.io/debug' && name === 'syncz') {
    return [any(typeUrl, Buffer.from(synczJson(status())))];
  }
  if (typeUrl === 'istio.io/debug' && name === 'list') {
    return [any(typeUrl, Buffer.from('/debug/syncz  (the one page that the lab’s istiod has)\n'))];
  }
  if (typeUrl === 'istio.io/debug') {
    throw new GrpcError(codes.unimplemented, `the lab's istiod has no debug page ${name}, only syncz`);
  }
  if (typeUrl === 'istio.io/debug/config_dump') {
    throw new GrpcError(
      codes.unimplemented,
      `the lab keeps no second copy of what it sent to ${name}; "istioctl proxy-config all" shows what is loaded`,
    );
  }
  throw new GrpcError(
    codes.unimplemented,
    `the lab's istiod serves no ${typeUrl}: its sidecars are in its own process`,
  );
}

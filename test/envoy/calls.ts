/** Calls a listener whose chains echo, in every way that a chain can tell apart, and says whether what was sent came back. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ClientName, Identities } from './identities.ts';

export interface Call {
  readonly name: string;
  readonly tls: boolean;
  readonly client: ClientName;
  readonly serverName?: string;
  readonly alpn: readonly string[];
  /** Plaintext: what is sent. */
  readonly bytes: string;
  /** The caller's address. */
  readonly from?: string;
  /** Bytes before the call proper: a PROXY protocol header. */
  readonly preface?: string;
}

export interface Heard {
  readonly call: Call;
  /** `echo`: what was sent came back by the protocol of the call. `passed`: TLS came back unopened. */
  readonly answer: 'echo' | 'passed' | 'refused';
  readonly detail: string;
  readonly localPort: number;
}

const plain = (name: string, bytes: string): Call => ({
  name,
  tls: false,
  client: 'nobody',
  alpn: [],
  bytes,
});

export const plaintextCalls: readonly Call[] = [
  plain('http/1.1', 'GET /padlock HTTP/1.1\r\nhost: a\r\n\r\n'),
  plain('http/1.0', 'GET /padlock HTTP/1.0\r\n\r\n'),
  plain('h2c', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0'),
  plain('bytes', '\0\u0001padlock bytes\n'),
];

export function tlsCall(client: ClientName, alpn: readonly string[], serverName?: string): Call {
  const name = `TLS ${client} alpn=${alpn.join('/') || '-'} sni=${serverName ?? '-'}`;
  return {
    name,
    tls: true,
    client,
    alpn,
    bytes: 'padlock over TLS',
    ...(serverName === undefined ? {} : { serverName }),
  };
}

export const meshHttp = ['istio-http/1.1', 'istio', 'http/1.1'];
export const meshTcp = ['istio-peer-exchange', 'istio'];
export const foreignAlpn = ['h2', 'http/1.1'];

const patience = 4_000;

export async function make(
  call: Call,
  port: number,
  identities: Identities,
  host = '127.0.0.1',
): Promise<Heard> {
  const raw = connect({
    port,
    host,
    ...(call.from === undefined ? {} : { localAddress: call.from }),
  });
  try {
    return await hear(call, raw, identities);
  } finally {
    raw.destroy();
  }
}

function hear(call: Call, raw: Socket, identities: Identities): Promise<Heard> {
  return new Promise((resolve) => {
    let localPort = 0;
    const end = (answer: Heard['answer'], detail: string): void => {
      clearTimeout(timer);
      resolve({ call, answer, detail, localPort });
    };
    const timer = setTimeout(() => end('refused', 'no answer in time'), patience);
    raw.on('error', (error) => end('refused', error.message));
    raw.on('close', () => end('refused', 'closed'));
    raw.once('connect', () => {
      localPort = raw.localPort ?? 0;
      if (call.preface !== undefined) raw.write(call.preface, 'latin1');
      if (call.tls) speakTls(call, raw, identities, end);
      else speakPlain(call, raw, end);
    });
  });
}

type End = (answer: Heard['answer'], detail: string) => void;

function speakPlain(call: Call, raw: Socket, end: End): void {
  let text = '';
  raw.on('data', (data) => {
    text += data.toString('latin1');
    if (text.length >= call.bytes.length) end(text === call.bytes ? 'echo' : 'refused', 'data');
  });
  raw.write(call.bytes, 'latin1');
}

function speakTls(call: Call, raw: Socket, identities: Identities, end: End): void {
  const shown = identities.clients[call.client];
  const options: ConnectionOptions = {
    socket: raw,
    rejectUnauthorized: false,
    ...(shown === undefined ? {} : { cert: shown.chain, key: shown.privateKey }),
    ...(call.alpn.length === 0 ? {} : { ALPNProtocols: [...call.alpn] }),
    ...(call.serverName === undefined ? {} : { servername: call.serverName }),
  };
  const secure = connectTls(options);
  let text = '';
  secure.on('error', (error) => {
    // A ClientHello that comes back is no message that a client waits for.
    const passed = error.message.includes('unexpected message');
    end(passed ? 'passed' : 'refused', error.message);
  });
  secure.on('close', () => end('refused', 'closed'));
  // With TLS 1.3 the client is done before the server has looked at its certificate: only the echo tells.
  secure.once('secureConnect', () => secure.write(call.bytes));
  secure.on('data', (data) => {
    text += data.toString('latin1');
    if (text.length >= call.bytes.length) end(text === call.bytes ? 'echo' : 'refused', 'data');
  });
}

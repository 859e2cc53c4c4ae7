/**
 * Envoy's TLS inspector: tells TLS from everything else by a connection's first bytes and reads server name and
 * application protocols from the ClientHello (RFC 8446 §4.1.2, §5.1; RFC 6066 §3; RFC 7301 §3.1).
 */

export type TlsInspection =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'too-large' }
  | {
      readonly kind: 'client-hello';
      readonly serverName: string | undefined;
      readonly applicationProtocols: readonly string[];
    };

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const alpnExtension = 16;
/** Envoy's limit for a ClientHello. */
const maxClientHello = 16 * 1024;

const incomplete: TlsInspection = { kind: 'incomplete' };
const notTls: TlsInspection = { kind: 'not-tls' };

/** Looks at what arrived so far; ask again with more bytes while the answer is `incomplete`. */
export function inspectTls(bytes: Buffer): TlsInspection {
  if (bytes.length === 0) return incomplete;
  if (bytes[0] !== handshakeRecord) return notTls;
  if (bytes.length > 1 && bytes[1] !== 3) return notTls;
  const message = assembleHandshake(bytes);
  if (message === 'not-tls') return notTls;
  if (message.length === 0) return incomplete;
  if (message[0] !== clientHello) return notTls;
  if (message.length < 4) return incomplete;
  const length = message.readUIntBE(1, 3);
  if (length > maxClientHello) return { kind: 'too-large' };
  if (message.length < 4 + length) return incomplete;
  return readClientHello(message.subarray(4, 4 + length));
}

/** The handshake bytes inside the TLS records that have arrived whole or in part; a ClientHello may span several. */
function assembleHandshake(bytes: Buffer): Buffer | 'not-tls' {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    if (bytes[at] !== handshakeRecord || bytes[at + 1] !== 3) return 'not-tls';
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, Math.min(end, bytes.length)));
    at = end;
  }
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
}

function readClientHello(body: Buffer): TlsInspection {
  try {
    const reader = new ByteReader(body);
    reader.skip(2 + 32);
    reader.skip(reader.uint8());
    reader.skip(reader.uint16());
    reader.skip(reader.uint8());
    let serverName: string | undefined;
    let applicationProtocols: readonly string[] = [];
    if (reader.left > 0) {
      const extensions = new ByteReader(reader.take(reader.uint16()));
      while (extensions.left > 0) {
        const type = extensions.uint16();
        const data = new ByteReader(extensions.take(extensions.uint16()));
        if (type === serverNameExtension) serverName = readServerName(data);
        else if (type === alpnExtension) applicationProtocols = readProtocols(data);
      }
    }
    return { kind: 'client-hello', serverName, applicationProtocols };
  } catch (error) {
    // Lengths that point outside the message: a ClientHello only in its first bytes.
    if (error instanceof RangeError) return notTls;
    throw error;
  }
}

function readServerName(data: ByteReader): string | undefined {
  const list = new ByteReader(data.take(data.uint16()));
  while (list.left > 0) {
    const type = list.uint8();
    const name = list.take(list.uint16());
    if (type === 0) return name.toString('latin1');
  }
  return undefined;
}

function readProtocols(data: ByteReader): readonly string[] {
  const list = new ByteReader(data.take(data.uint16()));
  const protocols: string[] = [];
  while (list.left > 0) protocols.push(list.take(list.uint8()).toString('latin1'));
  return protocols;
}

/** Reads big-endian fields; throws RangeError past the end. */
class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new RangeError('length points past the end of the message');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  skip(length: number): void {
    this.take(length);
  }

  uint8(): number {
    return this.take(1).readUInt8();
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }
}

/** SOCKS 5 messages (RFC 1928, RFC 1929), read from a growing buffer. Pure. */

/** What a reader makes of the bytes so far: a value and how many bytes it took, or that more must come. */
export type Read<T> = { readonly value: T; readonly length: number } | 'more' | 'malformed';

export const version = 5;
export const method = { password: 2, none: 0xff } as const;

export const reply = {
  succeeded: 0,
  failure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

/** The client's first message: the methods that it can authenticate with. */
export function readGreeting(bytes: Buffer): Read<readonly number[]> {
  if (bytes.length < 2) return 'more';
  if (bytes[0] !== version) return 'malformed';
  const length = 2 + (bytes[1] ?? 0);
  if (bytes.length < length) return 'more';
  return { value: [...bytes.subarray(2, length)], length };
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export function readCredentials(bytes: Buffer): Read<Credentials> {
  if (bytes.length < 2) return 'more';
  if (bytes[0] !== 1) return 'malformed';
  const userEnd = 2 + (bytes[1] ?? 0);
  if (bytes.length < userEnd + 1) return 'more';
  const passwordEnd = userEnd + 1 + (bytes[userEnd] ?? 0);
  if (bytes.length < passwordEnd) return 'more';
  const user = bytes.toString('utf8', 2, userEnd);
  return { value: { user, password: bytes.toString('utf8', userEnd + 1, passwordEnd) }, length: passwordEnd };
}

export interface ConnectRequest {
  readonly command: number;
  /** A name or an IPv4 address; undefined for an address of another family. */
  readonly host: string | undefined;
  readonly port: number;
}

const ipv4 = 1;
const domainName = 3;
const ipv6 = 4;

export function readRequest(bytes: Buffer): Read<ConnectRequest> {
  if (bytes.length < 5) return 'more';
  if (bytes[0] !== version) return 'malformed';
  const kind = bytes[3];
  const addressLength =
    kind === ipv4 ? 4 : kind === ipv6 ? 16 : kind === domainName ? 1 + (bytes[4] ?? 0) : 0;
  if (addressLength === 0) return 'malformed';
  const length = 4 + addressLength + 2;
  if (bytes.length < length) return 'more';
  const host =
    kind === ipv4
      ? bytes.subarray(4, 8).join('.')
      : kind === domainName
        ? bytes.toString('latin1', 5, 4 + addressLength)
        : undefined;
  return { value: { command: bytes[1] ?? 0, host, port: bytes.readUInt16BE(length - 2) }, length };
}

/** The answer to a request; the bound address is of no use to a client here and left zero. */
export function requestReply(code: number): Buffer {
  return Buffer.from([version, code, 0, ipv4, 0, 0, 0, 0, 0, 0]);
}

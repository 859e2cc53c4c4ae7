/** Envoy's HTTP inspector: tells HTTP from other plaintext by a connection's first bytes (RFC 9112 §3, RFC 9113 §3.4). */

export type HttpInspection = 'incomplete' | 'not-http' | 'http/1.0' | 'http/1.1' | 'h2c';

const http2Preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** A request line that is longer than this is not waited for. */
const maxRequestLine = 8 * 1024;

/** Looks at what arrived so far; ask again with more bytes while the answer is `incomplete`. */
export function inspectHttp(bytes: Buffer): HttpInspection {
  if (bytes.length === 0) return 'incomplete';
  const common = Math.min(bytes.length, http2Preface.length);
  if (bytes.subarray(0, common).equals(http2Preface.subarray(0, common))) {
    return common === http2Preface.length ? 'h2c' : 'incomplete';
  }
  const end = bytes.indexOf('\n');
  const line = bytes.subarray(0, end === -1 ? bytes.length : end).toString('latin1');
  if (end === -1) {
    return line.length < maxRequestLine && /^[A-Z]+( [!-~]*( [HTP/1.0]*\r?)?)?$/.test(line)
      ? 'incomplete'
      : 'not-http';
  }
  const match = /^[A-Z]+ [!-~]+ HTTP\/1\.([01])\r?$/.exec(line);
  if (match === null) return 'not-http';
  return match[1] === '1' ? 'http/1.1' : 'http/1.0';
}

/** True when the bytes are, or may still become, the first bytes of an HTTP/2 connection. */
export function beginsHttp2(bytes: Buffer): 'yes' | 'no' | 'incomplete' {
  const common = Math.min(bytes.length, http2Preface.length);
  if (!bytes.subarray(0, common).equals(http2Preface.subarray(0, common))) return 'no';
  return common === http2Preface.length ? 'yes' : 'incomplete';
}

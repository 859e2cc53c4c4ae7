/** The signature algorithm of an X.509 certificate, which Node 22 does not tell: read from its DER (RFC 5280, section 4.1). */

const names: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5-RSA',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'SHA256-RSA',
  '1.2.840.113549.1.1.12': 'SHA384-RSA',
  '1.2.840.113549.1.1.13': 'SHA512-RSA',
  '1.2.840.10045.4.1': 'SHA1-ECDSA',
  '1.2.840.10045.4.3.2': 'SHA256-ECDSA',
  '1.2.840.10045.4.3.3': 'SHA384-ECDSA',
  '1.2.840.10045.4.3.4': 'SHA512-ECDSA',
  '1.3.101.112': 'Ed25519',
};

/** @returns a name like `SHA256-ECDSA`, or the dotted identifier of one that is not known here. */
export function signatureAlgorithm(der: Uint8Array): string {
  const certificate = readElement(der, 0);
  const signed = readElement(der, certificate.start);
  const algorithm = readElement(der, signed.end);
  const identifier = readElement(der, algorithm.start);
  const dotted = objectIdentifier(der.subarray(identifier.start, identifier.end));
  return names[dotted] ?? dotted;
}

/** One tag-length-value element: where its content starts and ends. */
function readElement(der: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + (der[at + 2 + index] ?? 0);
  return { start: at + 2 + count, end: at + 2 + count + length };
}

function objectIdentifier(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join('.');
}

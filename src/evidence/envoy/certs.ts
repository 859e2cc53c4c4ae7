/** Envoy's `/certs`: serial, names and validity of every certificate in use, without the certificates themselves. */
import { asList, asObject, asObjects, asText } from '../../sources/json-value.ts';
import { field } from './proto-json.ts';

export interface CertificateSummary {
  /** Lower-case hexadecimal, no leading zeroes. */
  readonly serial: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** RFC 3339. */
  readonly validFrom: string;
  readonly validTo: string;
  /** `<inline>` for secrets that came over SDS, else a file. */
  readonly path: string;
}

export interface CertificateSet {
  readonly chain: readonly CertificateSummary[];
  readonly roots: readonly CertificateSummary[];
}

/**
 * The distinct sets; Envoy repeats one for each TLS context that uses it.
 * @throws SyntaxError where the text is not JSON
 */
export function parseCerts(text: string): readonly CertificateSet[] {
  const sets = new Map<string, CertificateSet>();
  for (const entry of asObjects(field(asObject(JSON.parse(text)), 'certificates'))) {
    const set = {
      chain: asObjects(field(entry, 'cert_chain')).map(readSummary),
      roots: asObjects(field(entry, 'ca_cert')).map(readSummary),
    };
    sets.set(JSON.stringify(set), set);
  }
  return [...sets.values()];
}

function readSummary(entry: unknown): CertificateSummary {
  const names = asList(field(entry, 'subject_alt_names'));
  const all = (kind: string): readonly string[] =>
    names.map((name) => asText(field(name, kind))).filter((name) => name !== undefined);
  return {
    serial: normalSerial(asText(field(entry, 'serial_number')) ?? ''),
    uris: all('uri'),
    dnsNames: all('dns'),
    validFrom: asText(field(entry, 'valid_from')) ?? '',
    validTo: asText(field(entry, 'expiration_time')) ?? '',
    path: asText(field(entry, 'path')) ?? '',
  };
}

/** Tools print serial numbers in either case, with and without leading zeroes. */
export function normalSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+(?=.)/, '');
}

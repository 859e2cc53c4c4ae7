/**
 * Which options of curl take a value, and which of those are files: learnt from the machine's own
 * `curl --help all`, since versions differ. Pure.
 */

/** How an option's value is handled. */
export type ValueKind =
  /** No value follows. */
  | 'flag'
  /** Handed on as it is. */
  | 'text'
  /** A path: mapped into the container's files. */
  | 'file'
  /** Text, or a file after `@`. */
  | 'data'
  /** `name=content`, with a file after `=@` or `=<`. */
  | 'form'
  /** `data` or a file name: a file where it has no `=`. */
  | 'cookie';

export interface CurlOptions {
  /** By long name without dashes. */
  readonly long: ReadonlyMap<string, ValueKind>;
  /** Short letter to long name. */
  readonly short: ReadonlyMap<string, string>;
}

const line = /^\s*(?:-(.), )?\s*--([\w.-]+)(?: (<[^>]+>(?:\S*))|\s)/;

/** @param help the output of `curl --help all` */
export function parseCurlHelp(help: string): CurlOptions {
  const long = new Map<string, ValueKind>();
  const short = new Map<string, string>();
  for (const text of help.split('\n')) {
    const match = line.exec(`${text} `);
    const name = match?.[2];
    if (match === null || name === undefined) continue;
    long.set(name, kindOf(name, match[3]));
    if (match[1] !== undefined) short.set(match[1], name);
  }
  return { long, short };
}

const dataOptions =
  /^(?:data|data-ascii|data-binary|data-urlencode|json|header|proxy-header|write-out|variable|url-query)$/;
const fileOptions =
  /^(?:cert|key|cacert|capath|crlfile|output|output-dir|upload-file|cookie-jar|dump-header|trace|trace-ascii|stderr|netrc-file|etag-save|etag-compare|hsts|alt-svc|libcurl|random-file|egd-file|proxy-cacert|proxy-capath|proxy-cert|proxy-key|proxy-crlfile|pubkey)$/;

function kindOf(name: string, placeholder: string | undefined): ValueKind {
  if (placeholder === undefined) return 'flag';
  if (name === 'form') return 'form';
  if (name === 'cookie') return 'cookie';
  if (dataOptions.test(name)) return 'data';
  const looksLikeFile = /<(?:file|filename|file name|path|dir)\b/.test(placeholder);
  return fileOptions.test(name) || looksLikeFile ? 'file' : 'text';
}

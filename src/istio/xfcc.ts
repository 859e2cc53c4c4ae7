/**
 * The `X-Forwarded-Client-Cert` header: what a sidecar tells its application of the client's certificate
 * (Envoy documentation, "x-forwarded-client-cert").
 */

/** One hop. Values as they were, quotes removed. */
export interface XfccElement {
  readonly by?: string;
  readonly hash?: string;
  readonly subject?: string;
  readonly uri: readonly string[];
  readonly dns: readonly string[];
  readonly cert?: string;
  readonly chain?: string;
}

/** Reads a header: the hop nearest to the reader is the last. Pairs that are no pairs and unknown keys are left out. */
export function parseXfcc(header: string): readonly XfccElement[] {
  return splitQuoted(header, ',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
    .map(parseElement);
}

function parseElement(text: string): XfccElement {
  const uri: string[] = [];
  const dns: string[] = [];
  const single: { by?: string; hash?: string; subject?: string; cert?: string; chain?: string } = {};
  for (const pair of splitQuoted(text, ';')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const value = unquote(pair.slice(equals + 1).trim());
    const key = pair.slice(0, equals).trim().toLowerCase();
    if (key === 'uri') uri.push(value);
    else if (key === 'dns') dns.push(value);
    else if (key === 'by' || key === 'hash' || key === 'subject' || key === 'cert' || key === 'chain') {
      single[key] = value;
    }
  }
  return { ...single, uri, dns };
}

/** Splits at a separator that stands outside double quotes; a backslash keeps the next character as it is. */
function splitQuoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquote(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}

/** Writes a header in Envoy's order; a value with a separator or a quote in it is quoted, and so is every subject. */
export function formatXfcc(elements: readonly XfccElement[]): string {
  return elements.map(formatElement).join(',');
}

function formatElement(element: XfccElement): string {
  const pairs: string[] = [];
  const add = (key: string, value: string | undefined) => {
    if (value !== undefined) pairs.push(`${key}=${quoteIfNeeded(value)}`);
  };
  add('By', element.by);
  add('Hash', element.hash);
  add('Cert', element.cert);
  add('Chain', element.chain);
  if (element.subject !== undefined) pairs.push(`Subject=${quote(element.subject)}`);
  for (const uri of element.uri) add('URI', uri);
  for (const dns of element.dns) add('DNS', dns);
  return pairs.join(';');
}

function quoteIfNeeded(value: string): string {
  return /[,;="\\]/.test(value) || value !== value.trim() || value === '' ? quote(value) : value;
}

function quote(value: string): string {
  return `"${value.replaceAll(/(["\\])/g, '\\$1')}"`;
}

/** Text inside XML 1.0: what is markup is escaped, what XML cannot hold at all is made visible. */
import { printable } from './text-width.ts';

/** For element content and for attribute values in double quotes. */
export function escapeXml(text: string): string {
  return printable(text)
    .toWellFormed()
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}

/** The same for attributes, where a parser would turn line breaks into blanks. */
export function escapeAttribute(text: string): string {
  return escapeXml(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}

/** Single- and double-quoted text, over one line or several (YAML 1.2, 7.3.1 and 7.3.2). */
import { type Cursor, NEWLINE, NeedMore, notSure, SPACE } from './cursor.ts';
import { decode, quoted } from './text.ts';

const SINGLE = 0x27;
const DOUBLE = 0x22;
const BACKSLASH = 0x5c;

/** Lines of one quoted text; in a large file more of them mean that a quote is missing. */
const longestText = 10_000;

export function isQuote(byte: number | undefined): boolean {
  return byte === SINGLE || byte === DOUBLE;
}

/**
 * The text between quotes; the cursor then stands after the closing one.
 * @param parent indentation that further lines must exceed; `undefined` where the text must end on its line
 */
export function readQuoted(cursor: Cursor, parent: number | undefined): string {
  return cursor.bytes[cursor.pos] === SINGLE ? readSingle(cursor, parent) : readDouble(cursor, parent);
}

function readSingle(cursor: Cursor, parent: number | undefined): string {
  const { bytes } = cursor;
  const start = cursor.pos + 1;
  let at = start;
  let hash = 0;
  let ascii = true;
  let doubled = false;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (byte === SINGLE) {
      if (bytes[at + 1] !== SINGLE) break;
      doubled = true;
      at++;
    } else if (byte < SPACE || byte === 0x7f) {
      if (byte === NEWLINE) return readLines(cursor, parent, SINGLE);
      notSure(cursor, 'a tab or a control character');
    } else if (byte > 0x7f) ascii = false;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  cursor.pos = at + 1;
  if (!cursor.keep) return '';
  if (doubled) return decode(bytes, start, at, ascii).replaceAll("''", "'");
  return shared(bytes, start, at, hash, ascii);
}

function shared(bytes: Buffer, start: number, end: number, hash: number, ascii: boolean): string {
  const value = quoted.at(bytes, start, end, hash, ascii, sameText);
  return typeof value === 'string' ? value : '';
}

function sameText(text: string): string {
  return text;
}

function readDouble(cursor: Cursor, parent: number | undefined): string {
  const { bytes } = cursor;
  const start = cursor.pos + 1;
  let at = start;
  let hash = 0;
  let ascii = true;
  let escaped = false;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (byte === DOUBLE) break;
    if (byte === BACKSLASH) {
      escaped = true;
      if (bytes[++at] === NEWLINE) return readLines(cursor, parent, DOUBLE);
    } else if (byte < SPACE || byte === 0x7f) {
      if (byte === NEWLINE) return readLines(cursor, parent, DOUBLE);
      notSure(cursor, 'a tab or a control character');
    } else if (byte > 0x7f) ascii = false;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  cursor.pos = at + 1;
  if (escaped) return unescaped(cursor, decode(bytes, start, at, ascii));
  return cursor.keep ? shared(bytes, start, at, hash, ascii) : '';
}

/** Quoted text of several lines: a line break is a space, a blank line is a line break, `\` at the end joins. */
function readLines(cursor: Cursor, parent: number | undefined, quote: number): string {
  if (parent === undefined || parent < 0) notSure(cursor, 'a quoted text over several lines');
  let text = '';
  let at = cursor.pos + 1;
  let pending = '';
  for (let lines = 0; ; lines++) {
    if (lines > longestText) notSure(cursor, 'a quoted text of very many lines');
    const line = quotedLine(cursor, at, quote);
    text += pending + line.text;
    if (line.closed) {
      cursor.pos = line.end;
      return text;
    }
    pending = line.joined ? '' : ' ';
    at = line.end;
    const blanks = skipBlankLines(cursor, at, parent);
    if (blanks > 0 && line.joined) notSure(cursor, 'a blank line after an escaped line break');
    if (blanks > 0) pending = '\n'.repeat(blanks);
    at = cursor.pos;
  }
}

/** From a newline to the content of the next line that has some, which must be indented. @returns how many were blank */
function skipBlankLines(cursor: Cursor, newline: number, parent: number): number {
  const { bytes } = cursor;
  let at = newline;
  for (let blanks = 0; ; blanks++) {
    if (at >= cursor.end) unfinished(cursor);
    const lineStart = at + 1;
    cursor.line++;
    at = lineStart;
    while (bytes[at] === SPACE) at++;
    if (bytes[at] === NEWLINE) continue;
    if (at - lineStart <= parent) notSure(cursor, 'a quoted text that is not indented');
    cursor.lineStart = lineStart;
    cursor.pos = at;
    return blanks;
  }
}

function unfinished(cursor: Cursor): never {
  if (!cursor.complete) throw new NeedMore();
  return notSure(cursor, 'a quoted text without an end');
}

interface QuotedLine {
  readonly text: string;
  /** After the closing quote, or at the newline. */
  readonly end: number;
  readonly closed: boolean;
  /** The line ends in a backslash: the next one follows without a space. */
  readonly joined: boolean;
}

function quotedLine(cursor: Cursor, start: number, quote: number): QuotedLine {
  const { bytes } = cursor;
  let at = start;
  let ascii = true;
  for (; ; at++) {
    const byte = bytes[at] ?? NEWLINE;
    if (byte === NEWLINE) {
      let end = at;
      while (end > start && bytes[end - 1] === SPACE) end--;
      return { text: quotedText(cursor, start, end, ascii, quote), end: at, closed: false, joined: false };
    }
    if (byte === quote) {
      if (quote === DOUBLE || bytes[at + 1] !== SINGLE) {
        return {
          text: quotedText(cursor, start, at, ascii, quote),
          end: at + 1,
          closed: true,
          joined: false,
        };
      }
      at++;
    } else if (byte === BACKSLASH && quote === DOUBLE) {
      if (bytes[++at] === NEWLINE) {
        return {
          text: quotedText(cursor, start, at - 1, ascii, quote),
          end: at,
          closed: false,
          joined: true,
        };
      }
    } else if (byte < SPACE || byte === 0x7f) notSure(cursor, 'a tab or a control character');
    else if (byte > 0x7f) ascii = false;
  }
}

function quotedText(cursor: Cursor, start: number, end: number, ascii: boolean, quote: number): string {
  const text = decode(cursor.bytes, start, end, ascii);
  return quote === SINGLE ? text.replaceAll("''", "'") : unescaped(cursor, text);
}

/** The escapes that YAML shares with JSON, and `\ ` with which printers start a line; others are left to the library. */
function unescaped(cursor: Cursor, text: string): string {
  if (!text.includes('\\')) return text;
  const json = text.includes('\\ ')
    ? text.replace(/\\(.)/gs, (pair, char) => (char === ' ' ? ' ' : pair))
    : text;
  try {
    return String(JSON.parse(`"${json}"`));
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    return notSure(cursor, 'an unusual escape');
  }
}

/** Single- and double-quoted text, over one line or several (YAML 1.2, 7.3.1 and 7.3.2). */
import { type Cursor, NEWLINE, NeedMore, notSure, SPACE } from './cursor.ts';
import { decode, quoted } from './text.ts';

const SINGLE = 0x27;
const DOUBLE = 0x22;
const BACKSLASH = 0x5c;

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
  const { bytes } = cursor;
  if (parent === undefined || parent < 0) notSure(cursor, 'a quoted text over several lines');
  let text = '';
  let at = cursor.pos + 1;
  let pending = '';
  for (;;) {
    const line = quotedLine(cursor, at, quote);
    text += pending + line.text;
    if (line.closed) {
      cursor.pos = line.end;
      return text;
    }
    pending = line.joined ? '' : ' ';
    at = line.end;
    // Blank lines: each is a line break; the first line break of the fold then counts for nothing.
    for (let blanks = 0; ; blanks++) {
      if (at >= cursor.end) unfinished(cursor);
      const lineStart = at + 1;
      cursor.line++;
      at = lineStart;
      while (bytes[at] === SPACE) at++;
      if (bytes[at] === NEWLINE) {
        if (line.joined) notSure(cursor, 'a blank line after an escaped line break');
        pending = '\n'.repeat(blanks + 1);
        continue;
      }
      cursor.lineStart = lineStart;
      if (at - lineStart <= parent) notSure(cursor, 'a quoted text that is not indented');
      break;
    }
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
      // White space that is escaped is not trimmed; too rare to follow here.
      if (bytes[at] === SPACE) notSure(cursor, 'an escaped space');
    } else if (byte < SPACE || byte === 0x7f) notSure(cursor, 'a tab or a control character');
    else if (byte > 0x7f) ascii = false;
  }
}

function quotedText(cursor: Cursor, start: number, end: number, ascii: boolean, quote: number): string {
  const text = decode(cursor.bytes, start, end, ascii);
  return quote === SINGLE ? text.replaceAll("''", "'") : unescaped(cursor, text);
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  ' ': ' ',
};

/** JSON's escapes; YAML's others (`\x41`, `\e`, ...) are rare, and left to the library. */
function unescaped(cursor: Cursor, text: string): string {
  let out = '';
  let from = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    const letter = text.charAt(at + 1);
    out += text.slice(from, at);
    if (letter === 'u') {
      const digits = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) notSure(cursor, 'a wrong \\u escape');
      out += String.fromCharCode(Number.parseInt(digits, 16));
      from = at + 6;
    } else {
      const plain = simpleEscapes[letter];
      if (plain === undefined) notSure(cursor, 'an unusual escape');
      out += plain;
      from = at + 2;
    }
  }
  return from === 0 ? text : ownText(out + text.slice(from));
}

/** Pieces joined by `+` are a tree that keeps its pieces, and the longer text they were cut from, alive; this is one text. */
function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

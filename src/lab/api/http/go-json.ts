/**
 * What Go's JSON decoder has to say about a text: its words for the first mistake (encoding/json's scanner), and the
 * fields that come twice, which JSON.parse passes over in silence.
 */

/** A field and where it stands, so that mistakes of several kinds can be told in the order of the text. */
export interface PlacedField {
  /** `spec.containers[0].image` */
  readonly path: string;
  readonly at: number;
}

export interface JsonFields {
  readonly twice: readonly PlacedField[];
  /** Every field at the place where it comes last. */
  readonly placeOf: (path: string) => number | undefined;
}

/** @returns the fields of a text that is JSON. */
export function jsonFields(text: Buffer): JsonFields {
  const scanner = new Scanner(text);
  scanner.document();
  return { twice: scanner.twice, placeOf: (path) => scanner.places.get(path) };
}

/** @returns `invalid character 'x' looking for beginning of value`, or undefined where the text is JSON. */
export function jsonMistake(text: Buffer): string | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    if (error instanceof GoSyntaxError) return error.message;
    throw error;
  }
}

class GoSyntaxError extends Error {
  override readonly name = 'GoSyntaxError';
}

const code = (character: string): number => character.charCodeAt(0);
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const escapes = new Set([...'"\\/bfnrtu'].map(code));

/** Go's own limit is 10,000; no object is a tenth as deep, and this reader calls itself. */
const maxDepth = 1_000;

class Scanner {
  readonly twice: PlacedField[] = [];
  readonly places = new Map<string, number>();
  readonly #text: Buffer;
  #at = 0;
  #depth = 0;

  constructor(text: Buffer) {
    this.#text = text;
  }

  document(): void {
    this.#value('');
    const rest = this.#next();
    if (rest !== undefined) this.#refuse('after top-level value');
  }

  /** The next byte that is no white space. */
  #next(): number | undefined {
    for (;;) {
      const byte = this.#text[this.#at];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte;
      this.#at++;
    }
  }

  #refuse(where: string): never {
    const byte = this.#text[this.#at];
    if (byte === undefined) throw new GoSyntaxError('unexpected end of JSON input');
    throw new GoSyntaxError(`invalid character ${quoteCharacter(byte)} ${where}`);
  }

  #value(path: string): void {
    if (++this.#depth > maxDepth) throw new GoSyntaxError('exceeded max depth');
    this.#valueHere(path);
    this.#depth--;
  }

  #valueHere(path: string): void {
    const byte = this.#next();
    if (byte === code('{')) this.#object(path);
    else if (byte === code('[')) this.#list(path);
    else if (byte === code('"')) this.#string();
    else if (byte === code('-') || isDigit(byte)) this.#number();
    else this.#literal(byte);
  }

  #literal(byte: number | undefined): void {
    const literal = byte === undefined ? undefined : literals[String.fromCharCode(byte)];
    if (literal === undefined) this.#refuse('looking for beginning of value');
    for (const [index, expected] of [...literal].entries()) {
      if (this.#text[this.#at] !== code(expected))
        this.#refuse(`in literal ${literal} (expecting ${quoteCharacter(code(literal[index] ?? ''))})`);
      this.#at++;
    }
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#at++;
    if (this.#next() === code('}')) {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#next() !== code('"')) this.#refuse('looking for beginning of object key string');
      const at = this.#at;
      const name = this.#string();
      const own = path === '' ? name : `${path}.${name}`;
      if (seen.has(name)) this.twice.push({ path: own, at });
      seen.add(name);
      this.places.set(own, at);
      if (this.#next() !== code(':')) this.#refuse('after object key');
      this.#at++;
      this.#value(own);
      const end = this.#next();
      if (end !== code(',') && end !== code('}')) this.#refuse('after object key:value pair');
      this.#at++;
      if (end === code('}')) return;
    }
  }

  #list(path: string): void {
    this.#at++;
    if (this.#next() === code(']')) {
      this.#at++;
      return;
    }
    for (let index = 0; ; index++) {
      this.#value(`${path}[${index}]`);
      const end = this.#next();
      if (end !== code(',') && end !== code(']')) this.#refuse('after array element');
      this.#at++;
      if (end === code(']')) return;
    }
  }

  #string(): string {
    const begin = this.#at++;
    for (;;) {
      const byte = this.#text[this.#at];
      if (byte === undefined || byte < 0x20) this.#refuse('in string literal');
      this.#at++;
      if (byte === code('"')) break;
      if (byte === code('\\')) this.#escape();
    }
    const name: unknown = JSON.parse(this.#text.toString('utf8', begin, this.#at));
    return String(name);
  }

  #escape(): void {
    const byte = this.#text[this.#at];
    if (byte === undefined || !escapes.has(byte)) this.#refuse('in string escape code');
    this.#at++;
    if (byte !== code('u')) return;
    for (let digits = 0; digits < 4; digits++) {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.#text[this.#at] ?? 0)))
        this.#refuse('in \\u hexadecimal character escape');
      this.#at++;
    }
  }

  #number(): void {
    if (this.#text[this.#at] === code('-')) this.#at++;
    if (this.#text[this.#at] === code('0')) this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === code('.')) {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#text[this.#at] !== code('e') && this.#text[this.#at] !== code('E')) return;
    this.#at++;
    if (this.#text[this.#at] === code('+') || this.#text[this.#at] === code('-')) this.#at++;
    this.#digits('in exponent of numeric literal');
  }

  #digits(where: string): void {
    if (!isDigit(this.#text[this.#at])) this.#refuse(where);
    while (isDigit(this.#text[this.#at])) this.#at++;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** One byte as Go quotes a character: `'x'`, `'\''`, `'\n'`, `'\u009e'`. */
export function quoteCharacter(byte: number): string {
  if (byte === code("'")) return "'\\''";
  if (byte === code('"')) return "'\"'";
  const named: Readonly<Record<number, string>> = {
    7: '\\a',
    8: '\\b',
    9: '\\t',
    10: '\\n',
    11: '\\v',
    12: '\\f',
    13: '\\r',
    92: '\\\\',
  };
  const isPrinted = (byte >= 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const hex = byte.toString(16).padStart(2, '0');
  const shown =
    named[byte] ?? (isPrinted ? String.fromCharCode(byte) : byte < 0x80 ? `\\x${hex}` : `\\u00${hex}`);
  return `'${shown}'`;
}

/**
 * How wide a text is on a terminal, and how it is broken into lines. Names and messages come from files that
 * anybody may have written, so control characters are made visible here before anything reaches a terminal.
 */

/** Control characters, and the ones that turn the reading direction around (they can hide what a line says). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is this expression's purpose.
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Two cells wide by Unicode's East Asian Width (UAX #11): Han, kana, Hangul and the full-width forms, and the
 * emoji that are pictures by default.
 */
const wide =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Script=Bopomofo}|\p{Script=Yi}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)/u;
const zero = /^[\p{M}\p{Cf}]+$/u;
const plainAscii = /^[\x20-\x7e]*$/;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Replaces control characters by a visible form (`\x1b`), so that a name cannot drive a terminal. Keeps newline and tab. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function graphemeWidth(grapheme: string): number {
  if (zero.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** The number of terminal cells that a text without line breaks takes. */
export function textWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** Splits off as many graphemes as fit into `width` cells: at least one, so that a caller always gets on. */
function splitAt(text: string, width: number): readonly [string, string] {
  let cells = 0;
  let end = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    cells += graphemeWidth(segment);
    if (cells > width && index > 0) break;
    end = index + segment.length;
  }
  return [text.slice(0, end), text.slice(end)];
}

/** Pieces that must not be torn: words, and the parts of long names after `/`, `.`, `,`, `:` or `-`. */
function pieces(word: string, width: number): readonly string[] {
  if (textWidth(word) <= width) return [word];
  return word.split(/(?<=[/.,:_=-])/u);
}

function wrapLine(line: string, width: number): readonly string[] {
  if (textWidth(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  const push = (piece: string): void => {
    let rest = piece;
    if (current !== '' && textWidth(current) + textWidth(rest) > width) {
      lines.push(current.trimEnd());
      current = '';
      rest = rest.trimStart();
    }
    while (textWidth(rest) > width) {
      const [head, tail] = splitAt(rest, width);
      lines.push(head);
      rest = tail;
    }
    current += rest;
  };
  for (const word of line.split(/(?<=\s)(?=\S)/u)) {
    const bare = word.trimEnd();
    const parts = pieces(bare, width);
    // A word whose trailing blank alone crosses the edge still fits.
    parts.forEach((part, index) => {
      push(part);
      if (index === parts.length - 1 && textWidth(current) < width) current += word.slice(bare.length);
      else if (index === parts.length - 1 && word.length > bare.length) {
        lines.push(current.trimEnd());
        current = '';
      }
    });
  }
  if (current !== '') lines.push(current.trimEnd());
  return lines;
}

/** Breaks a text into lines of at most `width` cells, at blanks where possible; `Infinity` breaks only at newlines. */
export function wrapText(text: string, width: number): readonly string[] {
  const limit = Math.max(1, width);
  return printable(text)
    .replaceAll('\t', '  ')
    .split('\n')
    .flatMap((line) => (Number.isFinite(limit) ? wrapLine(line, limit) : [line]));
}

/** Wraps a text and puts `indent` before each line: `width` counts the indent. */
export function indentText(text: string, indent: string, width: number): string {
  return wrapText(text, width - textWidth(indent))
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n');
}

/** Colour for terminals: what a piece of text means, and its escape codes when colour is wanted at all. */

/** What a text means; a reader without colour loses nothing, because the words say the same. */
export type Tone = 'good' | 'bad' | 'warn' | 'note' | 'dim' | 'strong';

/** SGR codes of ECMA-48: set, and the one that takes back just that. */
const codes = {
  good: ['\u001b[32m', '\u001b[39m'],
  bad: ['\u001b[31m', '\u001b[39m'],
  warn: ['\u001b[33m', '\u001b[39m'],
  note: ['\u001b[36m', '\u001b[39m'],
  dim: ['\u001b[2m', '\u001b[22m'],
  strong: ['\u001b[1m', '\u001b[22m'],
} as const satisfies Record<Tone, readonly [string, string]>;

/** The text in its tone's colour, or unchanged when `color` is false or there is no tone. */
export function paint(text: string, tone: Tone | undefined, color: boolean): string {
  if (!color || tone === undefined || text === '') return text;
  const [start, end] = codes[tone];
  return `${start}${text}${end}`;
}

/** The line of a file that an error speaks of, with a caret below the column. */
import { readFileSync } from 'node:fs';
import type { TextPosition } from '../errors.ts';

/** @returns two lines (`  12 | text` and a caret), or undefined where the file cannot be read (standard input, gone). */
export function sourceExcerpt(position: TextPosition): string | undefined {
  let source: string;
  try {
    source = readFileSync(position.file, 'utf8');
  } catch (error) {
    // The message names the place; the excerpt is an addition that only a readable file has.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
  return excerptOf(source, position);
}

/** @returns the excerpt from a text, cut to a window around the column where the line is long. */
export function excerptOf(source: string, position: TextPosition): string | undefined {
  const line = source.split('\n')[position.line - 1]?.replace(/\r$/, '');
  if (line === undefined) return undefined;
  const start = Math.max(0, position.column - 1 - 60);
  const shown = line.slice(start, start + 90).replaceAll('\t', ' ');
  const gutter = `  ${position.line} | `;
  return `${gutter}${shown}\n${' '.repeat(gutter.length + position.column - 1 - start)}^`;
}

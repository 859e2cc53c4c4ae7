/** Sentences that are longer than the terminal is wide. */
import { wrapText } from './text-width.ts';

/** A sentence over several lines, all but the first indented by two more than it is. */
export function hang(line: string, width: number): string {
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  if (!Number.isFinite(width)) return line;
  const [first = '', ...rest] = wrapText(line.trimStart(), Math.max(20, width - indent - 2));
  return [`${' '.repeat(indent)}${first}`, ...rest.map((text) => `${' '.repeat(indent + 2)}${text}`)].join(
    '\n',
  );
}

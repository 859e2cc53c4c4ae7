/** Line and column of findings, worked out from the files only now that they are printed. */
import { readFile } from 'node:fs/promises';
import type { FindingCode } from '../mesh/findings/codes.ts';
import type { Finding } from '../mesh/findings/finding.ts';
import type { PlacedFinding } from '../report/check/check-report.ts';
import { wholePerCode } from '../report/check/check-text.ts';
import { locateField, type SourceText } from '../report/check/locate.ts';
import type { Context } from './context.ts';

/** The same context, whose standard input can be read again: once for the manifests, once for the excerpts. */
export function rememberStdin(context: Context): Context {
  let text: Promise<Uint8Array> | undefined;
  const stdin = {
    isTTY: context.stdin.isTTY,
    readLine: () => context.stdin.readLine(),
    read: () => {
      text ??= context.stdin.read();
      return text;
    },
  };
  return Object.create(context, { stdin: { value: stdin, enumerable: true } });
}

/**
 * Adds places to findings that were read from files. With `everywhere` each is exact; without it only those that the text output
 * prints whole, the others name their object's first line.
 */
export async function placeFindings(
  findings: readonly Finding[],
  context: Context,
  everywhere: boolean,
): Promise<readonly PlacedFinding[]> {
  const texts = new Map<string, SourceText | undefined>();
  const seen = new Map<FindingCode, number>();
  const placed: PlacedFinding[] = [];
  for (const finding of findings) {
    const { origin, code, field } = finding;
    if (origin?.line === undefined) {
      placed.push({ finding });
      continue;
    }
    const before = seen.get(code) ?? 0;
    seen.set(code, before + 1);
    const rough = { file: origin.source, line: origin.line };
    if (!everywhere && before >= wholePerCode) {
      placed.push({ finding, place: rough });
      continue;
    }
    if (!texts.has(origin.source)) texts.set(origin.source, await readSource(origin.source, context));
    const text = texts.get(origin.source);
    placed.push({ finding, place: text === undefined ? rough : locateField(text, origin.line, field) });
  }
  return placed;
}

/** Undefined where the text is gone: the finding then keeps its object's line, without an excerpt. */
async function readSource(source: string, context: Context): Promise<SourceText | undefined> {
  if (source === '-') return byLines(source, Buffer.from(await context.stdin.read()));
  try {
    return byLines(source, await readFile(source));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** Finds line starts as far as they are asked for, and decodes only the lines that are wanted. */
function byLines(file: string, bytes: Buffer): SourceText {
  const starts = [0];
  let done = bytes.length === 0;
  return {
    file,
    line: (number) => {
      while (!done && starts.length <= number) {
        const end = bytes.indexOf(0x0a, starts.at(-1));
        if (end === -1) done = true;
        else starts.push(end + 1);
      }
      const start = starts[number - 1];
      if (start === undefined || start >= bytes.length) return undefined;
      const next = starts[number];
      return bytes.toString('utf8', start, next === undefined ? bytes.length : next - 1).replace(/\r$/, '');
    },
  };
}

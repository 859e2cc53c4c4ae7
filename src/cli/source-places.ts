/** Line and column of findings, worked out from the files only now that they are printed. */
import { resolve } from 'node:path';
import { PadlockError } from '../errors.ts';
import type { FindingCode } from '../mesh/findings/codes.ts';
import type { Finding } from '../mesh/findings/finding.ts';
import type { Origin } from '../mesh/snapshot.ts';
import type { Place, PlacedFinding } from '../report/check/check-report.ts';
import { wholePerCode } from '../report/check/check-text.ts';
import { locateField, type SourceText } from '../report/check/locate.ts';
import { type ByteSource, bytesSource, fileSource } from '../sources/manifests/byte-source.ts';
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
  return withSourcePlaces(context, async (places) => {
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
      const place = everywhere || before < wholePerCode ? await places.of(origin, field) : undefined;
      placed.push({ finding, place: place ?? rough });
    }
    return placed;
  });
}

/**
 * Looks into texts and closes them afterwards. Not by `using`: Node 22 cannot read that word, and the bundler's replacement
 * for it would be a dependency.
 *
 * @param context one whose standard input can be read again, see `rememberStdin`
 */
export async function withSourcePlaces<Result>(
  context: Context,
  look: (places: SourcePlaces) => Promise<Result>,
): Promise<Result> {
  const places = new SourcePlaces(context);
  try {
    return await look(places);
  } finally {
    places.close();
  }
}

/** Finds fields in the texts that their objects were read from; each text is opened once, and closed by `close`. */
export class SourcePlaces {
  private readonly context: Context;
  private readonly texts = new Map<string, OpenText | undefined>();

  constructor(context: Context) {
    this.context = context;
  }

  /** Undefined for an object that was not read from a text, or whose text is gone. */
  async of({ source, line }: Origin, field: string | undefined): Promise<Place | undefined> {
    if (line === undefined) return undefined;
    if (!this.texts.has(source)) this.texts.set(source, await readSource(source, this.context));
    const text = this.texts.get(source);
    return text === undefined ? undefined : locateField(text, line, field);
  }

  close(): void {
    for (const text of this.texts.values()) text?.close();
  }
}

interface OpenText extends SourceText {
  close(): void;
}

/** Undefined where the text is gone: the finding then keeps its object's line, without an excerpt. */
async function readSource(source: string, context: Context): Promise<OpenText | undefined> {
  if (source === '-') return byLines(bytesSource(await context.stdin.read(), source));
  try {
    return byLines(fileSource(resolve(context.cwd, source), source));
  } catch (error) {
    if (error instanceof PadlockError) return undefined;
    throw error;
  }
}

const chunkSize = 1 << 20;

/** Finds line starts as far as they are asked for, and reads only the lines that are wanted. */
function byLines(source: ByteSource): OpenText {
  const starts = [0];
  let scanned = 0;
  let done = false;
  const scan = (): void => {
    const chunk = Buffer.allocUnsafe(chunkSize);
    const filled = chunk.subarray(0, source.read(chunk, scanned));
    for (let at = filled.indexOf(0x0a); at !== -1; at = filled.indexOf(0x0a, at + 1)) {
      starts.push(scanned + at + 1);
    }
    scanned += filled.length;
    done = filled.length < chunkSize;
  };
  return {
    file: source.name,
    close: () => source.close(),
    line: (number) => {
      while (!done && starts.length <= number) scan();
      const start = starts[number - 1];
      if (start === undefined || start >= scanned) return undefined;
      const end = (starts[number] ?? scanned + 1) - 1;
      const bytes = Buffer.allocUnsafe(end - start);
      source.read(bytes, start);
      return bytes.toString('utf8').replace(/\r$/, '');
    },
  };
}

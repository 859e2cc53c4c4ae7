/** Any YAML at all, read by the `yaml` library, with Kubernetes' scalars and with limits against hostile text. */
import { Composer, type Document, LineCounter, Parser, type ScalarTag, Schema } from 'yaml';
import { PadlockError } from '../../errors.ts';
import { scalarOf } from './dialect.ts';
import { type NodeContext, plainValue } from './library-value.ts';

/** This module, loaded only when it is needed. */
export type Library = typeof import('./library.ts');

export interface LibraryDocument {
  readonly value: unknown;
  /** 1-based line of the document's first content. */
  readonly line: number;
  readonly itemLines: readonly number[];
}

/** Where the text stands in its file. */
export interface TextPlace {
  readonly file: string;
  /** 1-based line of the text's first line. */
  readonly line: number;
}

const scalar = (tag: string, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${tag}`,
  resolve,
});

/** Kubernetes' YAML: plain scalars by its own rules, and the tags that go-yaml knows. */
export const kubernetesSchema = new Schema({
  schema: 'failsafe',
  resolveKnownTags: false,
  merge: false,
  customTags: [
    'map',
    'seq',
    { tag: 'tag:yaml.org,2002:plain', default: true, test: /^/, resolve: scalarOf },
    scalar('str', (text) => text),
    ...['null', 'bool', 'int', 'float'].map((tag) => scalar(tag, scalarOf)),
    scalar('timestamp', (text) => text),
    scalar('binary', (text) => Buffer.from(text, 'base64').toString('utf8')),
  ],
});

/** What YAML allows in a text (YAML 1.2, c-printable); a terminal would obey some of the others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find.
const unprintable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]|\p{Surrogate}/u;

/**
 * Reads every document of a text.
 * @throws PadlockError `YAML_SYNTAX` at the first mistake, `INPUT_TOO_LARGE` for aliases that multiply beyond measure,
 *   `INPUT_INVALID` for nesting beyond measure; `UnknownAnchor`, which holds such an error, for an alias without anchor
 */
export function readWithLibrary(text: string, place: TextPlace): readonly LibraryDocument[] {
  const start = text.startsWith('\ufeff') && place.line === 1 ? text.slice(1) : text;
  const control = unprintable.exec(start);
  if (control !== null) throw controlCharacter(start, control, place);
  const lines = new LineCounter();
  const context: NodeContext = { place, lines };
  const documents: LibraryDocument[] = [];
  for (const document of parsed(start, lines, place)) {
    const [error] = document.errors;
    if (error !== undefined) {
      throw syntaxError(sentenceOf(error.message), position(context, error.pos[0]), start);
    }
    const { value, itemLines } = plainValue(document.contents, context);
    const at = document.contents?.range?.[0] ?? 0;
    documents.push({ value, itemLines, line: position(context, at).line });
  }
  return documents;
}

function* parsed(text: string, lines: LineCounter, place: TextPlace): Generator<Document.Parsed> {
  const composer = new Composer({
    schema: kubernetesSchema,
    // The library compares each key with all before it; `plainValue` looks them up.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  try {
    // `Composer` is made for documents of any schema; the ones it yields are parsed ones.
    for (const document of composer.compose(new Parser(lines.addNewLine).parse(text), true)) {
      yield document as Document.Parsed;
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new PadlockError('INPUT_INVALID', 'nested too deeply', {
      position: { file: place.file, line: place.line, column: 1 },
      hint: 'no Kubernetes object is nested so deeply',
      cause: thrown,
    });
  }
}

function position(context: NodeContext, offset: number): { file: string; line: number; column: number } {
  const { line, col } = context.lines.linePos(offset);
  return {
    file: context.place.file,
    line: Math.max(1, line) + context.place.line - 1,
    column: Math.max(1, col),
  };
}

function controlCharacter(text: string, found: RegExpExecArray, place: TextPlace): PadlockError {
  const before = text.slice(0, found.index);
  const line = before.split('\n').length;
  const column = found.index - before.lastIndexOf('\n');
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return new PadlockError('YAML_SYNTAX', `the control character U+${code} is not allowed in YAML`, {
    position: { file: place.file, line: place.line + line - 1, column },
  });
}

function syntaxError(
  sentence: string,
  at: { file: string; line: number; column: number },
  text: string,
): PadlockError {
  return new PadlockError('YAML_SYNTAX', sentence, {
    position: at,
    ...(/\{\{-?\s/.test(text)
      ? { hint: 'this looks like a Helm template: render it first, "helm template CHART | padlock ... -f -"' }
      : {}),
  });
}

/** The library's sentence as Padlock writes sentences: no capital, no full stop, one line. */
function sentenceOf(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

/** Any YAML at all, read by the `yaml` library, with Kubernetes' scalars and with limits against hostile text. */
import { Composer, type Document, Lexer, LineCounter, Parser, type ScalarTag, Schema } from 'yaml';
import { PadlockError } from '../../errors.ts';
import { scalarOf } from './dialect.ts';
import { maxLibraryParts, TooManyParts } from './library-limits.ts';
import { type NodeContext, plainValue } from './library-value.ts';
import { unprintable, unprintableSentence } from './unprintable.ts';

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

/**
 * Reads every document of a text.
 * @throws PadlockError `YAML_SYNTAX` at the first mistake, `INPUT_TOO_LARGE` for aliases that multiply beyond measure,
 *   `INPUT_INVALID` for nesting beyond measure; `UnknownAnchor`, which holds such an error, for an alias without anchor;
 *   `TooManyParts`
 */
export function readWithLibrary(text: string, place: TextPlace): readonly LibraryDocument[] {
  return withoutStacks(() => readAll(text, place));
}

function readAll(text: string, place: TextPlace): readonly LibraryDocument[] {
  const start = text.startsWith('\ufeff') && place.line === 1 ? text.slice(1) : text;
  const control = unprintable.exec(start);
  if (control !== null) throw controlCharacter(start, control, place);
  const lines = new LineCounter();
  const context: NodeContext = { place, lines };
  const documents: LibraryDocument[] = [];
  for (const document of parsed(start, lines)) {
    const [error] = document.errors;
    if (error !== undefined) {
      throw syntaxError(error.message, position(context, error.pos[0]), start);
    }
    const { value, itemLines } = plainValue(document.contents, context);
    const at = document.contents?.range?.[0] ?? 0;
    documents.push({ value, itemLines, line: position(context, at).line });
  }
  return documents;
}

function* parsed(text: string, lines: LineCounter): Generator<Document.Parsed> {
  const composer = new Composer({
    schema: kubernetesSchema,
    // The library compares each key with all before it; `plainValue` looks them up.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  for (const document of composer.compose(tokens(text, lines), true)) {
    // With its source at hand the composer makes parsed documents only; its type leaves that open.
    yield document as Document.Parsed;
  }
}

function* tokens(text: string, lines: LineCounter) {
  const parser = new Parser(lines.addNewLine);
  let count = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > maxLibraryParts) throw new TooManyParts();
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

/** The library makes an error with its stack for each of a million mistakes; only the first is of use, and no stack. */
function withoutStacks<Value>(run: () => Value): Value {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
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
  return new PadlockError('YAML_SYNTAX', unprintableSentence(found[0]), {
    position: { file: place.file, line: place.line + line - 1, column },
  });
}

function syntaxError(
  message: string,
  at: { file: string; line: number; column: number },
  text: string,
): PadlockError {
  if (/call stack/i.test(message)) {
    return new PadlockError('INPUT_INVALID', 'nested too deeply', {
      position: at,
      hint: 'no Kubernetes object is nested so deeply',
    });
  }
  return new PadlockError('YAML_SYNTAX', sentenceOf(message), {
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

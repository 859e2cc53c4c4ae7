/** Finds a field's place in the text that its object was read from: only for findings that are printed. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Place } from './check-report.ts';

/** An object longer than this is not parsed again; its first line is place enough. */
const longestObject = 400_000;

/** A text by its lines: a big file is not split for the few that are wanted. */
export interface SourceText {
  readonly file: string;
  /** The 1-based line without its end; undefined beyond the last. */
  line(number: number): string | undefined;
}

/** A text that is in memory already. */
export function sourceText(file: string, text: string): SourceText {
  const lines = text.split(/\r?\n/);
  return { file, line: (number) => lines[number - 1] };
}

/**
 * The place of `field` in the object that starts on `line`, or of its nearest ancestor that is there (a missing field has
 * no place of its own). The object may be a document of its own or an item of a list. Never throws on malformed text.
 */
export function locateField(source: SourceText, line: number, field: string | undefined): Place {
  const found = field === undefined ? undefined : positionOf(source, line, field);
  const at = found ?? { line: firstContent(source, line) };
  const excerpt = source.line(at.line);
  return { file: source.file, ...at, ...(excerpt === undefined ? {} : { excerpt }) };
}

/** The first line of the object that says something: comments and blank lines are passed over. */
function firstContent(source: SourceText, line: number): number {
  for (let at = line; ; at++) {
    const text = source.line(at);
    if (text === undefined) return line;
    if (!/^\s*(#.*|---\s*)?$/.test(text)) return at;
  }
}

interface Position {
  readonly line: number;
  readonly column?: number;
  readonly endColumn?: number;
}

function positionOf(source: SourceText, line: number, field: string): Position | undefined {
  const start = firstContent(source, line);
  const text = objectText(source, start);
  if (text === undefined) return undefined;
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    uniqueKeys: false,
    strict: false,
    logLevel: 'silent',
    // Positions are all that is wanted: no tag is resolved and no alias followed.
    schema: 'failsafe',
  });
  const range = rangeOf(document.contents, field);
  if (range === undefined) return undefined;
  const from = counter.linePos(range[0]);
  const to = counter.linePos(range[1]);
  const sameLine = to.line === from.line && to.col > from.col;
  return {
    line: start + from.line - 1,
    column: from.col,
    ...(sameLine ? { endColumn: to.col } : {}),
  };
}

/**
 * The lines of one object: to the document's end, or to the next item where the object is an item of a list. Undefined where
 * they are too many to be worth it.
 */
function objectText(source: SourceText, start: number): string | undefined {
  const first = source.line(start) ?? '';
  const dash = /^(\s*)- /.exec(first);
  const indent = dash?.[1]?.length ?? -1;
  let collected = dash === null ? first : first.replace('- ', '  ');
  for (let at = start + 1; ; at++) {
    const text = source.line(at);
    if (text === undefined || /^(---|\.\.\.)(\s|$)/.test(text)) return collected;
    if (indent >= 0 && /\S/.test(text) && text.search(/\S/) <= indent) return collected;
    collected += `\n${text}`;
    if (collected.length > longestObject) return undefined;
  }
}

type TextRange = readonly [number, number];

/** Walks `spec.ports[0].port`; a key may hold dots itself (`metadata.labels.app.kubernetes.io/name`), so the longest key wins. */
function rangeOf(root: unknown, field: string): TextRange | undefined {
  let node = root;
  let rest = field;
  let best: TextRange | undefined;
  while (rest !== '') {
    const step = isSeq(node)
      ? intoList(node.items, rest)
      : isMap(node)
        ? intoMap(node.items, rest)
        : undefined;
    if (step === undefined) return best;
    best = step.range ?? best;
    node = step.node;
    rest = step.rest;
  }
  return best;
}

interface Step {
  readonly node: unknown;
  readonly range: TextRange | undefined;
  readonly rest: string;
}

function intoList(items: readonly unknown[], path: string): Step | undefined {
  const match = /^\[(\d+)\]\.?/.exec(path);
  const node = match === null ? undefined : items[Number(match[1])];
  if (match === null || node === undefined) return undefined;
  return { node, range: startOf(node), rest: path.slice(match[0].length) };
}

function intoMap(items: readonly unknown[], path: string): Step | undefined {
  let best: Step | undefined;
  let longest = -1;
  for (const pair of items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const key = String(pair.key.value);
    const next = path[key.length];
    if (
      !path.startsWith(key) ||
      key.length <= longest ||
      (next !== undefined && next !== '.' && next !== '[')
    ) {
      continue;
    }
    longest = key.length;
    const rest = path.slice(key.length).replace(/^\./, '');
    // The value says what is wrong where it is a word; where it is a block, its key is the better place.
    const range = isScalar(pair.value) && rest === '' ? rangeOfNode(pair.value) : rangeOfNode(pair.key);
    best = { node: pair.value, range: range ?? rangeOfNode(pair.key), rest };
  }
  return best;
}

function rangeOfNode(node: unknown): TextRange | undefined {
  if (!isScalar(node) || !node.range) return undefined;
  // An empty value (`mode:`) has no text: its key is shown instead.
  return node.range[1] > node.range[0] ? [node.range[0], node.range[1]] : undefined;
}

function startOf(node: unknown): TextRange | undefined {
  if (isScalar(node)) return rangeOfNode(node);
  if ((isMap(node) || isSeq(node)) && node.range) return [node.range[0], node.range[0]];
  return undefined;
}

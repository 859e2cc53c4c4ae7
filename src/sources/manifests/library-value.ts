/** Plain data from the `yaml` library's nodes, with limits that its own conversion does not have. */
import { isAlias, isMap, isScalar, isSeq, type LineCounter, Scalar, type YAMLMap } from 'yaml';
import { type ErrorCode, PadlockError } from '../../errors.ts';
import { maxDepth } from './block/cursor.ts';
import { setField } from './fields.ts';
import type { TextPlace } from './library.ts';
import { UnknownAnchor } from './library-limits.ts';

/** Aliases may stand for so many values in one document; a bomb stands for billions. */
const maxAliasedValues = 1_000_000;

export interface NodeContext {
  readonly place: TextPlace;
  readonly lines: LineCounter;
}

interface Anchored {
  readonly value: unknown;
  /** How many values it is, aliases within it resolved. */
  readonly size: number;
}

interface State extends NodeContext {
  /** Undefined while the anchored value is being read: an alias to it then is a cycle. */
  readonly anchors: Map<string, Anchored | undefined>;
  readonly itemLines: number[];
  size: number;
  aliased: number;
  depth: number;
}

/**
 * @returns the value of a document's root node. Aliased values are shared, not copied.
 * @throws PadlockError, `UnknownAnchor`
 */
export function plainValue(
  root: unknown,
  context: NodeContext,
): { readonly value: unknown; readonly itemLines: readonly number[] } {
  const state: State = { ...context, anchors: new Map(), itemLines: [], size: 0, aliased: 0, depth: 0 };
  return { value: nodeValue(root, state), itemLines: state.itemLines };
}

function nodeValue(node: unknown, state: State): unknown {
  state.size++;
  if (node === null || node === undefined) return null;
  if (isAlias(node)) return aliasValue(node.source, node, state);
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
  const { anchor } = node;
  if (anchor === undefined) return ownValue(node, state);
  const before = state.size;
  state.anchors.set(anchor, undefined);
  const value = ownValue(node, state);
  state.anchors.set(anchor, { value, size: state.size - before + 1 });
  return value;
}

function ownValue(node: unknown, state: State): unknown {
  if (isScalar(node)) return node.value;
  if (++state.depth > maxDepth)
    throw failure('INPUT_INVALID', `nested deeper than ${maxDepth} levels`, node, state);
  let value: unknown;
  if (isSeq(node)) value = node.items.map((item) => nodeValue(item, state));
  else if (isMap(node)) value = mapValue(node, state);
  state.depth--;
  return value;
}

function aliasValue(name: string, node: unknown, state: State): unknown {
  const anchored = state.anchors.get(name);
  if (anchored === undefined) {
    const known = state.anchors.has(name);
    const sentence = known ? `the value of anchor "${name}" contains itself` : `there is no anchor "${name}"`;
    const error = failure('YAML_SYNTAX', sentence, node, state);
    throw known ? error : new UnknownAnchor(error);
  }
  state.aliased += anchored.size;
  if (state.aliased > maxAliasedValues) {
    throw failure('INPUT_TOO_LARGE', `aliases stand for more than ${maxAliasedValues} values`, node, state);
  }
  state.size += anchored.size;
  return anchored.value;
}

function mapValue(map: YAMLMap, state: State): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  const own = new Set<string>();
  for (const { key, value } of map.items) {
    if (isMergeKey(key)) {
      merge(object, own, nodeValue(value, state), key, state);
      continue;
    }
    const field = fieldName(key, state);
    if (own.has(field)) throw failure('YAML_SYNTAX', `the key "${field}" is there twice`, key, state);
    own.add(field);
    if (state.depth === 1 && field === 'items' && isSeq(value)) {
      for (const item of value.items) state.itemLines.push(placeOf(item, state).line);
    }
    setField(object, field, nodeValue(value, state));
  }
  return object;
}

/** `<<`, plain: fields of one or several other maps, where the map has none of its own (yaml.org/type/merge.html). */
function merge(
  object: Record<string, unknown>,
  own: ReadonlySet<string>,
  value: unknown,
  key: unknown,
  state: State,
): void {
  const merged = new Set<string>();
  for (const source of Array.isArray(value) ? value : [value]) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) {
      throw failure('YAML_SYNTAX', 'a merge key "<<" needs a map, or a list of maps', key, state);
    }
    for (const [field, item] of Object.entries(source)) {
      if (own.has(field) || merged.has(field)) continue;
      merged.add(field);
      setField(object, field, item);
    }
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === Scalar.PLAIN && key.source === '<<' && key.tag === undefined;
}

/** Kubernetes' reader turns keys that are numbers or booleans into text. */
function fieldName(key: unknown, state: State): string {
  const value = isAlias(key) || isScalar(key) ? nodeValue(key, state) : undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const what = value === null ? 'null' : 'a list or a map';
  throw failure('YAML_SYNTAX', `a key must be text, this one is ${what}`, key, state);
}

function failure(code: ErrorCode, sentence: string, node: unknown, state: State): PadlockError {
  return new PadlockError(code, sentence, { position: placeOf(node, state) });
}

function placeOf(node: unknown, state: State): { file: string; line: number; column: number } {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  const { line, col } = state.lines.linePos(range?.[0] ?? 0);
  return { file: state.place.file, line: Math.max(1, line) + state.place.line - 1, column: Math.max(1, col) };
}

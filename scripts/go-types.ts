/**
 * Reads the struct types of Kubernetes' API packages from their Go source: which JSON fields are pointers, which
 * are left out when empty, and their numbers on the wire. No prose is taken.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface GoField {
  /** The JSON name; undefined for an inlined struct. */
  readonly name: string | undefined;
  /** The Go type as written: `*int32`, `[]string`, `metav1.ObjectMeta`. */
  readonly type: string;
  readonly omitEmpty: boolean;
  /** The protobuf field number; undefined where the type has no wire form. */
  readonly number: number | undefined;
}

export interface GoPackage {
  readonly structs: ReadonlyMap<string, readonly GoField[]>;
  /** Named slice types, which are messages of their own on the wire. */
  readonly slices: ReadonlySet<string>;
}

const structPattern = /^type (\w+) struct \{\n([\s\S]*?)^\}/gm;
const slicePattern = /^type (\w+) \[\]string$/gm;
const fieldPattern = /^\t(?:(\w+)\s+)?([*[\]\w.]+)\s+`([^`]*)`/gm;

/** Reads the `types*.go` files of one package folder; nothing where the folder is not there. */
export function readGoPackage(folder: string): GoPackage {
  const structs = new Map<string, readonly GoField[]>();
  const slices = new Set<string>();
  const files = existsSync(folder) ? readdirSync(folder) : [];
  for (const file of files.filter((name) => /^types(_jsonschema)?\.go$/.test(name))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const match of text.matchAll(structPattern)) structs.set(match[1] ?? '', fieldsOf(match[2] ?? ''));
    for (const match of text.matchAll(slicePattern)) slices.add(match[1] ?? '');
  }
  return { structs, slices };
}

function fieldsOf(body: string): readonly GoField[] {
  return [...body.matchAll(fieldPattern)].map((match) => {
    const tags = match[3] ?? '';
    const [name, ...options] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? '').split(',');
    const number = /protobuf:"[^",]*,(\d+)/.exec(tags)?.[1];
    const isInline = options.includes('inline') || match[1] === undefined;
    return {
      name: isInline && (name === undefined || name === '') ? undefined : name,
      type: match[2] ?? '',
      omitEmpty: options.includes('omitempty') || options.includes('omitzero'),
      number: number === undefined ? undefined : Number(number),
    };
  });
}

/** What a JSON field of a struct is in Go: the numbers that lead to it through inlined structs, and whether it is a pointer. */
export interface GoShape {
  readonly path: readonly number[] | undefined;
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  /** The value (or each value of a map) is a named slice, wrapped in a message. */
  readonly wrapped: boolean;
}

/** @returns the shapes of a struct's JSON fields, inlined structs of the same package taken in. */
export function shapesOf(goPackage: GoPackage, typeName: string): ReadonlyMap<string, GoShape> {
  const shapes = new Map<string, GoShape>();
  const visit = (name: string, path: readonly number[] | undefined): void => {
    for (const field of goPackage.structs.get(name) ?? []) {
      const own = field.number === undefined || path === undefined ? undefined : [...path, field.number];
      const bare = field.type.replace(/^\*/, '');
      if (field.name === undefined) {
        if (bare !== 'metav1.TypeMeta') visit(bare, own);
        continue;
      }
      if (shapes.has(field.name)) continue;
      shapes.set(field.name, {
        path: own,
        pointer: field.type.startsWith('*'),
        omitEmpty: field.omitEmpty,
        wrapped: goPackage.slices.has(bare.replace(/^map\[\w+\]/, '')),
      });
    }
  };
  visit(typeName, []);
  return shapes;
}

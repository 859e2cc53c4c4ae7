/**
 * What the fields of built-in kinds mean, for `kubectl explain`: read, when first asked for, from the type
 * declarations of @kubernetes/client-node, which carry the API's own sentences. Where that package is not
 * installed there are no descriptions, and nothing else changes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

export interface TypeDescription {
  readonly type: string;
  readonly fields: ReadonlyMap<string, string>;
}

const none: TypeDescription = { type: '', fields: new Map() };
const known = new Map<string, TypeDescription>();
let models: string | undefined;

/** @returns the sentences about a built-in type such as `core.v1.Pod`. */
export function describeType(typeName: string): TypeDescription {
  const present = known.get(typeName);
  if (present !== undefined) return present;
  models ??= modelsFolder() ?? '';
  const file =
    models === ''
      ? undefined
      : modelNames(typeName)
          .map((name) => join(models ?? '', `${name}.d.ts`))
          .find((one) => existsSync(one));
  const description = file === undefined ? none : parseDeclaration(readFileSync(file, 'utf8'));
  known.set(typeName, description);
  return description;
}

function modelsFolder(): string | undefined {
  const paths = createRequire(import.meta.url).resolve.paths('@kubernetes/client-node') ?? [];
  return paths
    .map((path) => join(path, '@kubernetes', 'client-node', 'dist', 'gen', 'models'))
    .find((folder) => existsSync(folder) && dirname(folder).includes(`${sep}client-node${sep}`));
}

/** `core.v1.Event` is `CoreV1Event` where several groups have a kind of that name, else `V1Pod`. */
function modelNames(typeName: string): readonly string[] {
  const parts = typeName.split('.');
  const kind = parts.at(-1) ?? '';
  const isMeta = parts[0] === 'meta';
  const version = isMeta ? 'V1' : capital(parts.at(-2) ?? '');
  const group = isMeta ? 'Meta' : capital(parts.at(-3) ?? '');
  return [`${group}${version}${kind}`, `${version}${kind}`];
}

function capital(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}

const classPattern = /\/\*\*\n((?:\*.*\n)*?)\*\/\nexport declare class/;
const fieldPattern = /\/\*\*\n((?:\s*\*.*\n)*?)\s*\*\/\n\s*'([^']+)'\??:/g;

function parseDeclaration(text: string): TypeDescription {
  const fields = new Map<string, string>();
  const body = text.slice(text.indexOf('export declare class'));
  for (const match of body.matchAll(fieldPattern)) fields.set(match[2] ?? '', clean(match[1] ?? ''));
  return { type: clean(classPattern.exec(text)?.[1] ?? ''), fields };
}

function clean(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*\s?/, ''))
    .join('\n')
    .trim()
    .replaceAll(/\\(['"`*\\])/g, '$1');
}

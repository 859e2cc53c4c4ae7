/**
 * Makes `src/lab/api/openapi/kubernetes-words.json`, what `kubectl explain` says about built-in kinds: the sentence about each
 * type and field, and the values that a field may have. Beside the shapes (kubernetes-schemas.ts), since only `explain` reads it.
 *
 * Input: a folder with the OpenAPI v3 documents of a Kubernetes API server, as kubernetes-schemas.ts takes them.
 *
 *     node scripts/kubernetes-words.ts OPENAPI_DIR
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import shapes from '../src/lab/api/schema/kubernetes.json' with { type: 'json' };
import { shortName } from './openapi-names.ts';

interface Schema {
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The sentence about the type, then each field's: text, or text and values. */
type Words = readonly [
  type: string,
  fields: Readonly<Record<string, string | readonly [string, readonly string[]]>>,
];

function wordsOf(schema: Schema): Words {
  const fields = Object.entries(schema.properties ?? {}).flatMap(
    ([name, { description = '', enum: values }]) => {
      if (description === '' && values === undefined) return [];
      return [[name, values === undefined ? description : ([description, values] as const)] as const];
    },
  );
  return [schema.description ?? '', Object.fromEntries(fields)];
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/kubernetes-words.ts OPENAPI_DIR');
const words = new Map<string, Words>();
for (const file of readdirSync(folder).filter((name) => name.endsWith('_openapi.json'))) {
  const parsed: { components?: { schemas?: Record<string, Schema> } } = JSON.parse(
    readFileSync(join(folder, file), 'utf8'),
  );
  for (const [name, schema] of Object.entries(parsed.components?.schemas ?? {})) {
    if (shortName(name) in shapes.types) words.set(shortName(name), wordsOf(schema));
  }
}
const lines = [...words]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
writeFileSync(
  new URL('../src/lab/api/openapi/kubernetes-words.json', import.meta.url),
  `{\n${lines.join(',\n')}\n}\n`,
);

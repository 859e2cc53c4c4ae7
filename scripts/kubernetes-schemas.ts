/**
 * Makes `src/lab/api/schema/kubernetes.json`, the shapes of the built-in Kubernetes kinds that the lab's API
 * server serves: field names, types, required fields, list keys and patch strategies, what Go does with empty
 * values, and protobuf field numbers (kubectl sends protobuf), without any prose.
 *
 * Input: a folder with the OpenAPI v3 documents of a Kubernetes API server, one file for each group version, as any
 * server gives them (`kubectl get --raw /openapi/v3/api/v1 > DIR/api__v1_openapi.json`), and a folder with the
 * source of the Go modules k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator of that release.
 *
 *     node scripts/kubernetes-schemas.ts OPENAPI_DIR GO_DIR VERSION
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GoPackage, type GoShape, readGoPackage, shapesOf } from './go-types.ts';

const documents = [
  'api__v1',
  'apis__apps__v1',
  'apis__batch__v1',
  'apis__autoscaling__v1',
  'apis__autoscaling__v2',
  'apis__policy__v1',
  'apis__rbac.authorization.k8s.io__v1',
  'apis__discovery.k8s.io__v1',
  'apis__events.k8s.io__v1',
  'apis__coordination.k8s.io__v1',
  'apis__networking.k8s.io__v1',
  'apis__storage.k8s.io__v1',
  'apis__scheduling.k8s.io__v1',
  'apis__node.k8s.io__v1',
  'apis__certificates.k8s.io__v1',
  'apis__admissionregistration.k8s.io__v1',
  'apis__apiextensions.k8s.io__v1',
  'apis__apiregistration.k8s.io__v1',
  'apis__authentication.k8s.io__v1',
  'apis__authorization.k8s.io__v1',
];

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly default?: unknown;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
}

/** `io.k8s.api.core.v1.Pod` -> `core.v1.Pod`; the three prefixes that occur are told apart by their first letters. */
function shortName(ref: string): string {
  return ref
    .replace('#/components/schemas/', '')
    .replace('io.k8s.apimachinery.pkg.apis.meta.v1.', 'meta.')
    .replace('io.k8s.apimachinery.pkg.', 'machinery.')
    .replace('io.k8s.kube-aggregator.pkg.apis.', 'aggregator.')
    .replace('io.k8s.apiextensions-apiserver.pkg.apis.', 'extensions.')
    .replace('io.k8s.api.', '');
}

/** One type as a word: `string`, `integer:int32`, `$core.v1.Pod`, `[string`, `{$core.v1.Pod`. */
function typeWord(schema: Schema): string {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref !== undefined) return `$${shortName(ref)}`;
  if (schema.type === 'array' && schema.items !== undefined) return `[${typeWord(schema.items)}`;
  if (schema.type === 'object' && schema.additionalProperties !== undefined) {
    return `{${typeWord(schema.additionalProperties)}`;
  }
  if (schema.type === undefined) return 'any';
  return schema.format === undefined ? schema.type : `${schema.type}:${schema.format}`;
}

/** A field in one line: type, then what sets it apart, each as `key=value`. */
function fieldLine(schema: Schema, required: boolean, shape: GoShape | undefined): string {
  const words = [typeWord(schema)];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (Array.isArray(keys)) words.push(`keys=${keys.join(',')}`);
  else if (typeof listType === 'string') words.push(`list=${listType}`);
  if (schema['x-kubernetes-map-type'] === 'atomic') words.push('atomic');
  const strategy = schema['x-kubernetes-patch-strategy'];
  if (typeof strategy === 'string') words.push(`patch=${strategy}`);
  const mergeKey = schema['x-kubernetes-patch-merge-key'];
  if (typeof mergeKey === 'string') words.push(`key=${mergeKey}`);
  if (required) words.push('required');
  // An empty default tells that Go prints the field even when nobody set it; a real one is applied to keys of lists.
  const empty: readonly unknown[] = ['{}', '""', '0', 'false'];
  if (schema.default !== undefined && empty.includes(JSON.stringify(schema.default))) words.push('zero');
  else if (schema.default !== undefined) words.push(`default=${JSON.stringify(schema.default)}`);
  if (shape?.pointer === true) words.push('ptr');
  if (shape?.omitEmpty === false) words.push('keep');
  if (shape?.wrapped === true) words.push('wrapped');
  if (shape?.path !== undefined) words.push(`#${shape.path.join('.')}`);
  return words.join(' ');
}

const packages = new Map<string, GoPackage>();

/** The Go package of a type, by its short name: `core.v1.Pod` is in `api/core/v1`. */
function goPackageOf(typeName: string, goFolder: string): GoPackage {
  const parts = typeName.split('.').slice(0, -1);
  const module = (name: string): string => {
    const found = readdirSync(goFolder)
      .filter((entry) => entry.startsWith(`${name}@`))
      .sort();
    return join(goFolder, found.at(-1) ?? name);
  };
  const folders: Readonly<Record<string, () => string>> = {
    meta: () => join(module('apimachinery'), 'pkg/apis/meta/v1'),
    machinery: () => join(module('apimachinery'), 'pkg', ...parts.slice(1)),
    aggregator: () => join(module('kube-aggregator'), 'pkg/apis', ...parts.slice(1)),
    extensions: () => join(module('apiextensions-apiserver'), 'pkg/apis', ...parts.slice(1)),
  };
  const folder = (folders[parts[0] ?? ''] ?? (() => join(module('api'), ...parts)))();
  const present = packages.get(folder) ?? readGoPackage(folder);
  packages.set(folder, present);
  return present;
}

function compactType(typeName: string, schema: Schema, goFolder: string): unknown {
  if (schema.properties === undefined) {
    const alternatives = schema.oneOf?.map((one) => one.type).join('|');
    return (
      alternatives ??
      (schema.format === undefined ? (schema.type ?? 'any') : `${schema.type}:${schema.format}`)
    );
  }
  const shapes = shapesOf(goPackageOf(typeName, goFolder), typeName.split('.').at(-1) ?? '');
  const fields: Record<string, string> = {};
  for (const [name, field] of Object.entries(schema.properties)) {
    fields[name] = fieldLine(field, schema.required?.includes(name) === true, shapes.get(name));
  }
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  const unions = schema['x-kubernetes-unions'];
  return { fields, ...(isAtomic ? { atomic: true } : {}), ...(unions === undefined ? {} : { unions }) };
}

const [folder, goFolder, version] = process.argv.slice(2);
if (folder === undefined || goFolder === undefined || version === undefined) {
  throw new Error('usage: node scripts/kubernetes-schemas.ts OPENAPI_DIR GO_DIR VERSION');
}
const types: Record<string, unknown> = {};
for (const document of documents) {
  const text = readFileSync(join(folder, `${document}_openapi.json`), 'utf8');
  const parsed: { components: { schemas: Record<string, Schema> } } = JSON.parse(text);
  for (const [name, schema] of Object.entries(parsed.components.schemas)) {
    types[shortName(name)] = compactType(shortName(name), schema, goFolder);
  }
}
const sorted = Object.fromEntries(Object.entries(types).sort(([a], [b]) => (a < b ? -1 : 1)));
const lines = Object.entries(sorted).map(([name, type]) => `${JSON.stringify(name)}:${JSON.stringify(type)}`);
writeFileSync(
  new URL('../src/lab/api/schema/kubernetes.json', import.meta.url),
  `{"version":${JSON.stringify(version)},"types":{\n${lines.join(',\n')}\n}}\n`,
);

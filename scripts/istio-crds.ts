/**
 * Makes `src/lab/api/crds/istio.json`, the CustomResourceDefinitions of Istio that the lab's API server starts
 * with: names, versions, columns, and schemas with their enums, bounds and CEL rules, without any prose.
 *
 * Input: the file with Istio's CRDs as a release ships it (`istioctl manifest generate`, the `base` chart's
 * `crd-all.gen.yaml`, or the Go module istio.io/api).
 *
 *     node scripts/istio-crds.ts FILE VERSION
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Drops `description` from schemas, but not a field that is called `description`. */
function withoutProse(value: Json, isFieldList = false): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutProse(item));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === 'description' && typeof item === 'string' && !isFieldList) continue;
    kept[key] = withoutProse(item, key === 'properties' && !isFieldList);
  }
  return kept;
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: Json;
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Json };
      readonly additionalPrinterColumns?: readonly {
        readonly name: string;
        readonly type: string;
        readonly jsonPath: string;
        readonly priority?: number;
      }[];
    }[];
  };
}

const [file, version] = process.argv.slice(2);
if (file === undefined || version === undefined)
  throw new Error('usage: node scripts/istio-crds.ts FILE VERSION');

const lines: string[] = [];
for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
  const definition: Definition | null = document.toJS();
  if (definition === null) continue;
  const { group, names, versions } = definition.spec;
  // Istio gives every version of a kind the same schema; a release that does not must not be cut short here.
  const schemas = new Set(versions.map((one) => JSON.stringify(withoutProse(one.schema.openAPIV3Schema))));
  if (schemas.size !== 1) throw new Error(`${group}: versions with different schemas`);
  lines.push(
    JSON.stringify({
      group,
      names,
      versions: versions.map((one) => ({ name: one.name, served: one.served, storage: one.storage })),
      columns: (versions[0]?.additionalPrinterColumns ?? []).map(({ name, type, jsonPath, priority }) => ({
        name,
        type,
        jsonPath,
        ...(priority === undefined ? {} : { priority }),
      })),
      schema: withoutProse(versions[0]?.schema.openAPIV3Schema ?? {}),
    }),
  );
}
writeFileSync(
  new URL('../src/lab/api/crds/istio.json', import.meta.url),
  `{"version":${JSON.stringify(version)},"definitions":[\n${lines.join(',\n')}\n]}\n`,
);

/**
 * CEL as the Kubernetes API server runs it: the language, with Kubernetes' URL functions beside it. Numbers
 * become CEL's integers where the schema says integer, for CEL does not mix the two.
 */
import { Environment } from '@marcbachmann/cel-js';
import { isObject, type JsonObject } from '../json.ts';
import { mapValues, type Schema } from './schema.ts';
import { ownProperty } from './unknown-fields.ts';

class CelUrl {
  readonly url: URL;
  constructor(text: string) {
    this.url = new URL(text);
  }
}

function isUrl(text: string): boolean {
  return URL.canParse(text);
}

export type CelProgram = (variables: Readonly<Record<string, unknown>>) => unknown;

function environment(variables: readonly string[]): Environment {
  const made = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
  });
  for (const variable of variables) made.registerVariable(variable, 'dyn');
  made.registerType('URL', CelUrl);
  made.registerFunction('url(string): URL', (text: string) => new CelUrl(text));
  made.registerFunction('isURL(string): bool', isUrl);
  made.registerFunction('URL.getScheme(): string', (value: CelUrl) => value.url.protocol.slice(0, -1));
  made.registerFunction('URL.getHost(): string', (value: CelUrl) => value.url.host);
  made.registerFunction('URL.getHostname(): string', (value: CelUrl) => value.url.hostname);
  made.registerFunction('URL.getPort(): string', (value: CelUrl) => value.url.port);
  made.registerFunction('URL.getEscapedPath(): string', (value: CelUrl) => value.url.pathname);
  return made;
}

const environments = new Map<string, Environment>();
const programs = new Map<string, CelProgram>();

/** Parses an expression over the named variables; the result is kept for the next time. Throws where it cannot be parsed. */
export function celProgram(expression: string, variables: readonly string[]): CelProgram {
  const names = variables.join(',');
  const key = `${names}\n${expression}`;
  const present = programs.get(key);
  if (present !== undefined) return present;
  const env = environments.get(names) ?? environment(variables);
  environments.set(names, env);
  const program = env.parse(expression);
  const run: CelProgram = (values) => program(values);
  programs.set(key, run);
  return run;
}

/** JSON as CEL sees it: integers by the schema, everything else as it stands. */
export function toCel(value: unknown, schema: Schema): unknown {
  if (typeof value === 'number') {
    const isInteger =
      schema.type === 'integer' || (schema['x-kubernetes-int-or-string'] === true && Number.isInteger(value));
    return isInteger && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return value.map((item: unknown) => toCel(item, items));
  }
  if (!isObject(value)) return value;
  const converted: JsonObject = {};
  const values = mapValues(schema) ?? {};
  for (const [field, item] of Object.entries(value)) {
    converted[field] = toCel(item, ownProperty(schema.properties, field) ?? values);
  }
  return converted;
}

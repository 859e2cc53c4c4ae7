/**
 * One ValidatingAdmissionPolicy, evaluated on one write: its match conditions, its variables (worked out when first
 * asked for) and its validations, in CEL. What `authorizer` would answer is not known here: an expression that uses it
 * is an error, which the policy's `failurePolicy` judges.
 */
import type { KubeObject } from '../../../../istio/kubernetes.ts';
import { draftOf, type JsonObject, objectsAt, stringAt } from '../../json.ts';
import type { Resource } from '../../registry/resource.ts';
import { celProgram, toCel } from '../../schema/cel.ts';
import type { Schema } from '../../schema/schema.ts';
import type { WriteRequest } from './write-request.ts';

export interface Denial {
  readonly message: string;
  /** The Status' reason; Invalid where the validation names none. */
  readonly reason: string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

const names = ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables'] as const;

/** What expressions can name, in CEL's terms. */
export function celValues(
  request: WriteRequest,
  namespace: KubeObject | undefined,
  namespaces: Resource | undefined,
  params: KubeObject | undefined,
  paramSchema: Schema | undefined,
): Values {
  const { resource } = request;
  const schema = resource.schema(resource.storageVersion) ?? {};
  const asCel = (object: KubeObject | undefined, shape: Schema | undefined): unknown =>
    object === undefined ? null : toCel(draftOf(object), shape ?? {});
  return {
    object: asCel(request.object, schema),
    oldObject: asCel(request.oldObject, schema),
    params: asCel(params, paramSchema),
    namespaceObject: asCel(namespace, namespaces?.schema(namespaces.storageVersion)),
    request: {
      kind: { group: resource.group, version: request.version, kind: resource.kind },
      resource: { group: resource.group, version: request.version, resource: resource.resource },
      subResource: request.subresource ?? '',
      name: request.name,
      namespace: request.namespace ?? '',
      operation: request.operation,
      dryRun: request.dryRun,
      userInfo: {
        username: request.user?.name ?? 'system:apiserver',
        groups: request.user?.groups ?? ['system:masters'],
        extra: request.user?.extra ?? {},
      },
    },
  };
}

/** @returns the denials; none where the policy does not apply or is content. */
export function evaluatePolicy(spec: JsonObject, values: Values): readonly Denial[] {
  const fails = (stringAt(spec, 'failurePolicy') ?? 'Fail') === 'Fail';
  const failure = (expression: string, error: unknown): readonly Denial[] =>
    fails
      ? [{ message: `expression '${expression}' resulted in error: ${firstLine(error)}`, reason: undefined }]
      : [];
  const all = { ...values, variables: lazyVariables(spec, values) };
  for (const condition of objectsAt(spec, 'matchConditions')) {
    const expression = stringAt(condition, 'expression') ?? 'true';
    try {
      if (run(expression, all) !== true) return [];
    } catch (error) {
      return failure(expression, error);
    }
  }
  return objectsAt(spec, 'validations').flatMap((validation) => {
    const expression = stringAt(validation, 'expression') ?? 'true';
    try {
      if (run(expression, all) === true) return [];
    } catch (error) {
      return failure(expression, error);
    }
    return [{ message: messageOf(validation, expression, all), reason: stringAt(validation, 'reason') }];
  });
}

/** `messageExpression` where it gives a usable text, else `message`, else the expression. */
function messageOf(validation: JsonObject, expression: string, values: Values): string {
  const fallback = stringAt(validation, 'message') ?? `failed expression: ${expression.trim()}`;
  const spoken = stringAt(validation, 'messageExpression');
  if (spoken === undefined) return fallback;
  try {
    const text = run(spoken, values);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text : fallback;
  } catch {
    // The real server logs it and falls back (KEP-3488).
    return fallback;
  }
}

function lazyVariables(spec: JsonObject, values: Values): JsonObject {
  const variables: JsonObject = {};
  const known = new Map<string, unknown>();
  for (const variable of objectsAt(spec, 'variables')) {
    const name = stringAt(variable, 'name') ?? '';
    const expression = stringAt(variable, 'expression') ?? '';
    Object.defineProperty(variables, name, {
      enumerable: true,
      get: () => {
        if (!known.has(name)) known.set(name, run(expression, { ...values, variables }));
        return known.get(name);
      },
    });
  }
  return variables;
}

function run(expression: string, values: Values): unknown {
  return celProgram(expression, names)(values);
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

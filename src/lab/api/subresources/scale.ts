/** The `scale` subresource: how many replicas, and which pods they are. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { mustGet } from '../engine/engine.ts';
import { updateObject } from '../engine/update.ts';
import { fieldManager, isDryRun, type ResourceContext } from '../http/context.ts';
import { decodeObject, fieldValidationOf, parseBody } from '../http/decode.ts';
import { methodNotAllowed } from '../http/errors.ts';
import { contentType } from '../http/negotiate.ts';
import { readPatch } from '../http/patch-handler.ts';
import { type ApiResponse, jsonResponse } from '../http/request.ts';
import { draftOf, ensureObject, isObject, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts';
import { builtinSchema } from '../schema/builtin.ts';
import { badRequest, invalid, modifiedConflict } from '../status.ts';
import { formatSelector } from '../tables/table.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';

const expected = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  schema: builtinSchema('autoscaling.v1.Scale'),
  custom: false,
};

/** GET, PUT and PATCH of `.../scale`. */
export function scaleHandler(context: ResourceContext): ApiResponse {
  const { engine, stored, info, request } = context;
  const name = info.name ?? '';
  if (info.verb === 'get') return jsonResponse(scaleOf(mustGet(engine, stored, info.namespace, name)));
  if (info.verb !== 'update' && info.verb !== 'patch') throw methodNotAllowed();
  const warnings: string[] = [];
  const change = (old: KubeObject): JsonObject => {
    const wanted = info.verb === 'update' ? readBody(context, warnings) : patched(context, old);
    const replicas = numberAt(objectAt(wanted, 'spec'), 'replicas') ?? 0;
    if (replicas < 0) {
      const error = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
      throw invalid('Scale', 'autoscaling', name, toCauses([error]));
    }
    const version = stringAt(objectAt(wanted, 'metadata'), 'resourceVersion') ?? '';
    if (version !== '' && version !== old.metadata.resourceVersion) throw modifiedConflict(stored, name);
    const draft = draftOf(old);
    ensureObject(draft, 'spec').replicas = replicas;
    return draft;
  };
  const options = {
    manager: fieldManager(request),
    version: info.version,
    dryRun: isDryRun(request, info.verb === 'patch' ? 'PatchOptions' : 'UpdateOptions'),
    subresource: 'scale',
  };
  return jsonResponse(
    scaleOf(updateObject(engine, stored, info.namespace, name, change, options)),
    200,
    warnings,
  );
}

function readBody(context: ResourceContext, warnings: string[]): JsonObject {
  const { request } = context;
  const body = parseBody(request.body, request.headers['content-type'], 'Scale', expected.schema);
  const decoded = decodeObject(body, expected, fieldValidationOf(request.url));
  warnings.push(...decoded.warnings);
  return decoded.object;
}

/** A Scale is patched as the object that GET shows. */
function patched(context: ResourceContext, old: KubeObject): JsonObject {
  const type = contentType(context.request.headers['content-type']);
  if (type === 'application/apply-patch+yaml') return readYaml(context);
  const scale = readPatch(context).apply(scaleOf(old));
  if (!isObject(scale)) throw badRequest('the patched document is no object');
  return scale;
}

function readYaml(context: ResourceContext): JsonObject {
  const body = parseBody(context.request.body, 'application/yaml', 'Scale');
  return decodeObject(body, expected, fieldValidationOf(context.request.url)).object;
}

function scaleOf(object: KubeObject): JsonObject {
  const draft = draftOf(object);
  const spec = objectAt(draft, 'spec');
  const selector = objectAt(spec, 'selector');
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(spec, 'replicas') ?? 0 },
    status: {
      replicas: numberAt(objectAt(draft, 'status'), 'replicas') ?? 0,
      ...(selector === undefined ? {} : { selector: formatSelector(selector) }),
    },
  };
}

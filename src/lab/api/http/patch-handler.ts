/** PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply, which has its own file. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { updateObject } from '../engine/update.ts';
import { draftOf, isObject, type JsonObject } from '../json.ts';
import { goPrint } from '../patch/go-print.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../patch/strategic-merge-patch.ts';
import { findTypeError } from '../schema/type-errors.ts';
import { unknownFields } from '../schema/unknown-fields.ts';
import { ApiStatus, badRequest } from '../status.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';
import { applyHandler } from './apply-handler.ts';
import { expectedOf, type ResourceContext, toStorage, viewOf, writeOptions } from './context.ts';
import { fieldValidationOf } from './decode.ts';
import { contentType, unsupportedMediaType } from './negotiate.ts';
import { inVersion, presentObject } from './present.ts';
import { type ApiResponse, jsonResponse } from './request.ts';
import { checkName } from './write-handlers.ts';

const jsonPatch = 'application/json-patch+json';
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const applyPatch = 'application/apply-patch+yaml';

/** A patch that was read: what it makes of a document, and how the real server quotes it. */
export interface ReadPatch {
  readonly apply: (document: JsonObject) => unknown;
  readonly quoted: string;
}

export function patchHandler(context: ResourceContext): ApiResponse {
  const { request, info } = context;
  if (contentType(request.headers['content-type']) === applyPatch) return applyHandler(context);
  const view = viewOf(context);
  const patch = readPatch(context);
  const warnings: string[] = [];
  const options = writeOptions(context, 'PatchOptions', info.subresource, warnings);
  const change = (old: KubeObject): JsonObject => {
    const patched = patch.apply(draftOf(inVersion(old, context.served, info.version)));
    if (!isObject(patched)) throw badRequest('the patched document is no object');
    warnings.push(...checkPatched(context, patched, patch.quoted));
    checkName(patched, info.name ?? '');
    return toStorage(context, draftOf(patched));
  };
  const updated = updateObject(
    context.engine,
    context.stored,
    info.namespace,
    info.name ?? '',
    change,
    options,
  );
  return jsonResponse(presentObject(updated, view), 200, warnings);
}

/** @throws ApiStatus UnsupportedMediaType for a patch type that is none, or that the kind does not take. */
export function readPatch(context: ResourceContext): ReadPatch {
  const { request, served, info } = context;
  const type = contentType(request.headers['content-type']);
  const custom = [jsonPatch, mergePatch, applyPatch];
  if (type !== jsonPatch && type !== mergePatch && type !== strategicPatch) {
    throw new ApiStatus('UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
  if (type === strategicPatch && served.custom) throw unsupportedMediaType(custom);
  const text = request.body.toString('utf8');
  const body = parsePatch(text);
  if (type === jsonPatch && !Array.isArray(body))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  if (type === mergePatch && !isObject(body))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  if (type === jsonPatch) return { apply: (document) => applyJsonPatch(document, body), quoted: text };
  if (type === mergePatch) return { apply: (document) => applyMergePatch(document, body), quoted: text };
  if (!isObject(body)) throw badRequest('the patch is no object');
  const schema = served.schema(info.version) ?? {};
  return { apply: (document) => applyStrategicMergePatch(document, body, schema), quoted: goPrint(body) };
}

function parsePatch(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

/** What the patched object has that the kind has not: an error under Strict, else warnings. */
function checkPatched(context: ResourceContext, patched: JsonObject, quoted: string): readonly string[] {
  const { schema, custom } = expectedOf(context);
  if (schema === undefined) return [];
  const refuse = (why: string): never => {
    const causes = toCauses([invalidValue('patch', quoted, why)]);
    throw new ApiStatus('Invalid', ` "" is invalid: patch: ${causes[0]?.message ?? ''}`, { causes });
  };
  const wrongType = custom ? undefined : findTypeError(patched, schema);
  if (wrongType !== undefined) refuse(`unrecognized type: ${wrongType.split(' of type ').at(-1) ?? ''}`);
  const validation = fieldValidationOf(context.request.url);
  if (validation === 'Ignore') return [];
  const unknown = unknownFields(patched, schema).map((field) => `unknown field ${JSON.stringify(field)}`);
  if (validation === 'Strict' && unknown.length > 0) refuse(`strict decoding error: ${unknown.join(', ')}`);
  return unknown;
}

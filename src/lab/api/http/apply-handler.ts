/** PATCH with `application/apply-patch+yaml`: server-side apply of a configuration, creating the object where it is not there. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { createObject } from '../engine/create.ts';
import { timestamp } from '../engine/effects.ts';
import { objectKey } from '../engine/engine.ts';
import { updateObject } from '../engine/update.ts';
import { applyFields } from '../fields/apply.ts';
import { ignoredFields } from '../fields/managed-fields.ts';
import { draftOf, ensureObject, isObject, type JsonObject, objectAt } from '../json.ts';
import { formatApiVersion } from '../registry/registry.ts';
import { emptyObject } from '../schema/go-zeros.ts';
import type { Schema } from '../schema/schema.ts';
import { ownProperty } from '../schema/unknown-fields.ts';
import { ApiStatus, badRequest, invalid, notFound } from '../status.ts';
import { required, toCauses } from '../validation/field-error.ts';
import { expectedOf, type ResourceContext, storeName, toStorage, viewOf, writeOptions } from './context.ts';
import { decodeObject, fieldValidationOf, parseBody } from './decode.ts';
import { presentObject } from './present.ts';
import { type ApiResponse, jsonResponse } from './request.ts';
import { isTrue } from './request-info.ts';
import { checkName, placeIn } from './write-handlers.ts';

/** An applied configuration must fit the schema as it is: what it owns is read off it field by field. @throws ApiStatus (500) */
function refuseUntyped(context: ResourceContext, config: JsonObject, warnings: readonly string[]): void {
  const { served, info } = context;
  const group = served.group === '' ? '' : `${served.group}/`;
  const apiVersion = served.group === '' ? `/${info.version}` : `${group}${info.version}`;
  const schema = served.schema(info.version) ?? {};
  const wrong = untypedField(config, schema, '');
  const unknown = warnings
    .map((warning) => /^unknown field "(.*)"$/.exec(warning)?.[1])
    .find((field) => field !== undefined);
  const why = wrong ?? (unknown === undefined ? undefined : `.${unknown}: field not declared in schema`);
  if (why === undefined) return;
  const what = `/${info.name ?? ''}; ${apiVersion}, Kind=${served.kind}`;
  throw new ApiStatus('Unknown', `failed to create typed patch object (${what}): ${why}`);
}

/** @returns what a value says that is no map where the schema has one. */
function untypedField(value: unknown, schema: Schema, path: string): string | undefined {
  if (value === null || value === undefined || schema.properties === undefined) return undefined;
  if (!isObject(value)) {
    return Array.isArray(value)
      ? `${path}: expected map, got list`
      : `${path}: expected map, got &{${String(value)}}`;
  }
  for (const [field, item] of Object.entries(value)) {
    const known = ownProperty(schema.properties, field);
    const found = known === undefined ? undefined : untypedField(item, known, `${path}.${field}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function applyHandler(context: ResourceContext): ApiResponse {
  const { engine, request, info, served, stored } = context;
  const view = viewOf(context);
  const policyWarnings: string[] = [];
  const options = writeOptions(context, 'PatchOptions', info.subresource, policyWarnings);
  if ((request.url.searchParams.get('fieldManager') ?? '') === '') {
    const missing = required('fieldManager', 'is required for apply patch');
    throw invalid('PatchOptions', 'meta.k8s.io', '', toCauses([missing]));
  }
  const body = parseBody(request.body, 'application/apply-patch+yaml', served.kind);
  const [twice] = body.yamlTwice ?? [];
  if (twice !== undefined && fieldValidationOf(request.url) === 'Strict')
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${body.yamlTwice?.join('\n  ')}`,
    );
  const { object: config, warnings } = decodeObject(
    body,
    expectedOf(context),
    fieldValidationOf(request.url),
  );
  const name = info.name ?? '';
  placeIn(context, config, info.namespace);
  checkName(config, name);
  if (objectAt(config, 'metadata')?.managedFields !== undefined)
    throw badRequest('metadata.managedFields must be nil');
  refuseUntyped(context, config, warnings);
  toStorage(context, config);

  const apply = (live: JsonObject): JsonObject => {
    const schema = stored.schema(stored.storageVersion) ?? {};
    const applied = applyFields({
      live,
      config,
      schema,
      manager: {
        name: options.manager,
        operation: 'Apply',
        apiVersion: formatApiVersion(served.group, info.version),
        subresource: info.subresource ?? '',
        time: timestamp(engine.effects.now()),
      },
      force: isTrue(request.url.searchParams.get('force')),
      ignored: ignoredFields(stored, info.subresource),
    });
    ensureObject(applied.object, 'metadata').managedFields = applied.managedFields;
    return applied.object;
  };

  const present = engine.store.get(storeName(context), objectKey(info.namespace, name));
  if (present !== undefined) {
    const change = (old: KubeObject): JsonObject => apply(draftOf(old));
    const updated = updateObject(engine, stored, info.namespace, name, change, { ...options, applied: true });
    return jsonResponse(presentObject(updated, view), 200, [...warnings, ...policyWarnings]);
  }
  if (info.subresource !== undefined) throw notFound(stored, name);
  const schema = stored.schema(stored.storageVersion) ?? {};
  const empty = emptyObject(String(config.apiVersion), stored.kind, schema, stored.custom);
  const created = createObject(engine, stored, apply(empty), { ...options, applied: true });
  return jsonResponse(presentObject(created, view), 201, [...warnings, ...policyWarnings]);
}

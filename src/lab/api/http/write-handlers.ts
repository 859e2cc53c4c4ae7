/** Create, update and the deletions. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { createObject } from '../engine/create.ts';
import { type DeleteOptions, type Deletion, deleteObject } from '../engine/delete.ts';
import { updateObject } from '../engine/update.ts';
import { ensureObject, isObject, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts';
import { builtinSchema } from '../schema/builtin.ts';
import { badRequest, invalid } from '../status.ts';
import { invalidValue, notSupported, toCauses } from '../validation/field-error.ts';
import {
  expectedOf,
  isDryRun,
  type ResourceContext,
  storeName,
  toStorage,
  viewOf,
  writeOptions,
} from './context.ts';
import { decodeObject, fieldValidationOf, parseBody } from './decode.ts';
import { isSelected, selectionOf } from './list.ts';
import { presentList, presentObject } from './present.ts';
import { type ApiResponse, jsonResponse } from './request.ts';

export function createHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { request, info, served } = context;
  const policyWarnings: string[] = [];
  const options = writeOptions(context, 'CreateOptions', undefined, policyWarnings);
  const body = parseBody(
    request.body,
    request.headers['content-type'],
    served.kind,
    expectedOf(context).schema,
  );
  const { object, warnings } = decodeObject(body, expectedOf(context), fieldValidationOf(request.url));
  placeIn(context, object, info.namespace);
  const created = createObject(context.engine, context.stored, toStorage(context, object), options);
  return jsonResponse(presentObject(created, view), 201, [...warnings, ...policyWarnings]);
}

/** An object without a namespace takes the URL's; one with another is refused. */
export function placeIn(context: ResourceContext, object: JsonObject, namespace: string | undefined): void {
  const metadata = ensureObject(object, 'metadata');
  const own = stringAt(metadata, 'namespace') ?? '';
  if (!context.served.namespaced) {
    if (own !== '')
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    return;
  }
  if (namespace === undefined) {
    throw badRequest(`an empty namespace may not be set during creation`);
  }
  if (own !== '' && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  metadata.namespace = namespace;
}

export function updateHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { request, info, served } = context;
  const subresource = info.subresource;
  const policyWarnings: string[] = [];
  const options = writeOptions(context, 'UpdateOptions', subresource, policyWarnings);
  const body = parseBody(
    request.body,
    request.headers['content-type'],
    served.kind,
    expectedOf(context).schema,
  );
  const { object, warnings } = decodeObject(body, expectedOf(context), fieldValidationOf(request.url));
  const name = info.name ?? '';
  placeIn(context, object, info.namespace);
  checkName(object, name);
  refuseWithoutVersion(context, object, name);
  const updated = updateObject(
    context.engine,
    context.stored,
    info.namespace,
    name,
    () => toStorage(context, object),
    options,
  );
  return jsonResponse(presentObject(updated, view), 200, [...warnings, ...policyWarnings]);
}

/** Built-in kinds may be replaced without saying which version was read; custom kinds may not. */
function refuseWithoutVersion(context: ResourceContext, object: JsonObject, name: string): void {
  const { served } = context;
  if (!served.custom || (stringAt(objectAt(object, 'metadata'), 'resourceVersion') ?? '') !== '') return;
  const error = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
  throw invalid(served.resource, served.group, name, toCauses([error]));
}

export function checkName(object: JsonObject, name: string): void {
  const metadata = ensureObject(object, 'metadata');
  const own = stringAt(metadata, 'name') ?? '';
  if (own === '') metadata.name = name;
  else if (own !== name) {
    throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
  }
}

export function deleteHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { engine, stored, info } = context;
  const warnings: string[] = [];
  const options = deleteOptions(context, warnings);
  const deletion = deleteObject(engine, stored, info.namespace, info.name ?? '', options);
  if (!deletion.gone) return jsonResponse(presentObject(deletion.object, view), 200, warnings);
  // Pods and a few others are answered with the object itself, as the real server does.
  if (storeName(context) === 'pods' || storeName(context) === 'services') {
    return jsonResponse(presentObject(deletion.object, view), 200, warnings);
  }
  return jsonResponse(successStatus(context, deletion.object), 200, warnings);
}

function successStatus(context: ResourceContext, object: KubeObject): unknown {
  const { served } = context;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(served.group === '' ? {} : { group: served.group }),
      kind: served.resource,
      uid: object.metadata.uid,
    },
  };
}

export function deleteCollectionHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { engine, stored, info, request } = context;
  const warnings: string[] = [];
  const options = deleteOptions(context, warnings);
  const selection = selectionOf(request.url, stored, info.namespace);
  const deleted: Deletion[] = [];
  for (const { object } of engine.store.list(storeName(context))) {
    if (!isSelected(object, stored, selection)) continue;
    deleted.push(deleteObject(engine, stored, object.metadata.namespace, object.metadata.name, options));
  }
  const metadata = { resourceVersion: String(engine.store.revision) };
  return jsonResponse(
    presentList(
      deleted.map((one) => one.object),
      view,
      metadata,
    ),
    200,
    warnings,
  );
}

/** Delete options come in the body or in the query: where there is a body, the query is not looked at, `dryRun` included. */
function deleteOptions(context: ResourceContext, warnings: string[]): DeleteOptions {
  const { request } = context;
  const hasBody = request.body.toString('utf8').trim() !== '';
  const query = hasBody ? new URLSearchParams() : request.url.searchParams;
  const parsed = !hasBody
    ? {}
    : parseBody(
        request.body,
        request.headers['content-type'],
        'DeleteOptions',
        builtinSchema('meta.DeleteOptions'),
      ).value;
  const body: JsonObject = isObject(parsed) ? parsed : {};
  const grace = numberAt(body, 'gracePeriodSeconds') ?? numberOf(query.get('gracePeriodSeconds'));
  const orphans = body.orphanDependents ?? query.get('orphanDependents');
  const policy = stringAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined;
  const asked = orphans === true || orphans === 'true' ? 'Orphan' : policy;
  const policies = ['Foreground', 'Background', 'Orphan'];
  if (asked !== undefined && !policies.includes(asked)) {
    const why = notSupported('propagationPolicy', asked, [...policies, 'nil']);
    throw invalid('DeleteOptions', 'meta.k8s.io', '', toCauses([why]));
  }
  const preconditions = objectAt(body, 'preconditions');
  const uid = stringAt(preconditions, 'uid');
  const resourceVersion = stringAt(preconditions, 'resourceVersion');
  const dryRun = Array.isArray(body.dryRun) && body.dryRun.length > 0;
  return {
    user: request.user,
    version: context.info.version,
    onWarning: (sentence) => warnings.push(sentence),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(asked === 'Orphan' || asked === 'Background' || asked === 'Foreground'
      ? { propagationPolicy: asked }
      : {}),
    preconditions: {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    dryRun: dryRun || (!hasBody && isDryRun(request, 'DeleteOptions')),
  };
}

function numberOf(text: string | null): number | undefined {
  return text === null || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

/** What the handlers of resource requests share: the engine, the node's side, and the request, read. */
import type { Kubelet } from '../../kubelet/kubelet.ts';
import type { Engine, WriteOptions } from '../engine/engine.ts';
import type { JsonObject } from '../json.ts';
import type { RbacAuthorizer } from '../rbac/authorizer.ts';
import { refuseEscalation } from '../rbac/escalation.ts';
import { formatApiVersion } from '../registry/registry.ts';
import type { Resource } from '../registry/resource.ts';
import { invalid, qualified } from '../status.ts';
import { type FieldError, notSupported, toCauses, tooLong } from '../validation/field-error.ts';
import type { Expected } from './decode.ts';
import { type Representation, representation } from './negotiate.ts';
import type { View } from './present.ts';
import type { ApiRequest } from './request.ts';
import type { ResourceRequest } from './request-info.ts';

export interface ResourceContext {
  readonly engine: Engine;
  readonly kubelet: Kubelet;
  readonly authorizer: RbacAuthorizer;
  readonly request: ApiRequest;
  readonly info: ResourceRequest;
  /** What the URL names. */
  readonly served: Resource;
  /** Where it is stored: the same resource, except for events.k8s.io. */
  readonly stored: Resource;
}

export function viewOf(
  context: ResourceContext,
  shown: Representation = representation(context.request.headers.accept),
): View {
  const include = context.request.url.searchParams.get('includeObject');
  return {
    resource: context.served,
    version: context.info.version,
    representation: shown,
    includeObject: include === 'Object' || include === 'None' ? include : 'Metadata',
    now: context.engine.effects.now,
  };
}

/** What the body of a write to the resource itself must be. */
export function expectedOf(context: ResourceContext): Expected {
  const { served, info } = context;
  return {
    group: served.group,
    version: info.version,
    kind: served.kind,
    schema: served.schema(info.version),
    custom: served.custom,
  };
}

/** The object in the shape in which it is stored. */
export function toStorage(context: ResourceContext, object: JsonObject): JsonObject {
  const version = context.served.versions.find((one) => one.name === context.info.version);
  version?.toStorage?.(object);
  object.apiVersion = formatApiVersion(context.stored.group, context.stored.storageVersion);
  object.kind = context.stored.kind;
  return object;
}

/** @throws ApiStatus Invalid where `?dryRun=` has another value than All. */
export function isDryRun(request: ApiRequest, optionsKind: string): boolean {
  const values = request.url.searchParams.getAll('dryRun').filter((value) => value !== '');
  if (values.some((value) => value !== 'All')) {
    throw invalid(optionsKind, 'meta.k8s.io', '', toCauses([notSupported('dryRun', values, ['All'])]));
  }
  return values.length > 0;
}

/** @throws ApiStatus Invalid where a field manager's name is too long or the field validation is none of the three. */
function checkWriteOptions(request: ApiRequest, optionsKind: string): void {
  const query = request.url.searchParams;
  const errors: FieldError[] = [];
  if (Buffer.byteLength(query.get('fieldManager') ?? '') > maxManagerBytes)
    errors.push(tooLong('fieldManager', maxManagerBytes));
  const validation = query.get('fieldValidation') ?? '';
  const known = ['', 'Ignore', 'Strict', 'Warn'];
  if (!known.includes(validation)) errors.push(notSupported('fieldValidation', validation, known));
  if (errors.length > 0) throw invalid(optionsKind, 'meta.k8s.io', '', toCauses(errors));
}

const maxManagerBytes = 128;

export function writeOptions(
  context: ResourceContext,
  optionsKind: string,
  subresource?: string,
  warnings?: string[],
): WriteOptions {
  checkWriteOptions(context.request, optionsKind);
  return {
    manager: fieldManager(context.request),
    version: context.info.version,
    dryRun: isDryRun(context.request, optionsKind),
    user: context.request.user,
    ...(warnings === undefined ? {} : { onWarning: (sentence: string) => warnings.push(sentence) }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(context.served.group === 'rbac.authorization.k8s.io'
      ? { check: (object) => refuseEscalation(context.authorizer, context.request.user, object) }
      : {}),
  };
}

/** The manager that the client names, or its program's name. */
export function fieldManager(request: ApiRequest): string {
  const named = request.url.searchParams.get('fieldManager') ?? '';
  if (named !== '') return named;
  return (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown';
}

/** Where the objects of the context live in the store. */
export function storeName(context: ResourceContext): string {
  return qualified(context.stored);
}

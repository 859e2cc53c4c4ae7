/** From a request to its answer: who asks, what for, may they, and which handler knows. Tests call it without a port. */
import type { Kubelet } from '../../kubelet/kubelet.ts';
import type { Engine } from '../engine/engine.ts';
import { openApiDocument, openApiIndex } from '../openapi/openapi-v3.ts';
import type { Attributes, RbacAuthorizer } from '../rbac/authorizer.ts';
import { impersonated } from '../rbac/impersonation.ts';
import { forbiddenTo } from '../rbac/refusal.ts';
import type { TokenIssuer } from '../rbac/tokens.ts';
import { anonymous } from '../rbac/user.ts';
import { kubernetesVersion } from '../schema/builtin.ts';
import { ApiStatus, pathNotFound } from '../status.ts';
import { subresourceHandler } from '../subresources/subresource-handlers.ts';
import type { ResourceContext } from './context.ts';
import { discovery } from './discovery.ts';
import { methodNotAllowed } from './errors.ts';
import { patchHandler } from './patch-handler.ts';
import { getHandler, listHandler, watchHandler } from './read-handlers.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from './request.ts';
import { type RequestInfo, type ResourceRequest, requestInfo } from './request-info.ts';
import { reviewHandler } from './review-handlers.ts';
import { createHandler, deleteCollectionHandler, deleteHandler, updateHandler } from './write-handlers.ts';

export interface RouterParts {
  readonly engine: Engine;
  readonly kubelet: Kubelet;
  readonly authorizer: RbacAuthorizer;
  readonly tokens: TokenIssuer;
}

/** Paths that say nothing about the cluster and are answered to everybody. */
const openPaths: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/**
 * Answers a request.
 * @throws ApiStatus for every refusal; the server writes it as the body.
 */
export async function route(parts: RouterParts, asked: ApiRequest): Promise<ApiResponse> {
  const info = requestInfo(asked.method, asked.url);
  const request = authorized(parts, asked, info);
  if (info.kind === 'path') return pathHandler(parts, request);
  const context = contextOf(parts, request, info);
  if (context === undefined) return unknownResource(parts, info);
  return resourceHandler(parts, context);
}

/** What every answer about a kind warns of: that the kind is on its way out. */
export function deprecations(parts: RouterParts, request: ApiRequest): readonly string[] {
  const info = requestInfo(request.method, request.url);
  if (info.kind === 'path') return [];
  const warning = parts.engine.registry.find(info.group, info.version, info.resource)?.strategy.deprecation;
  return warning === undefined ? [] : [warning];
}

/** The request as the user it is made as. @throws ApiStatus Unauthorized or Forbidden */
export function authorized(parts: RouterParts, request: ApiRequest, info: RequestInfo): ApiRequest {
  if (request.user === anonymous && !openPaths.has(request.url.pathname))
    throw new ApiStatus('Unauthorized', 'Unauthorized');
  const user = impersonated(request.user, request.headers, parts.authorizer);
  const attributes = attributesOf(info);
  const decision = parts.authorizer.authorize(user, attributes);
  if (!decision.allowed) throw forbiddenTo(user, attributes, decision);
  return { ...request, user };
}

function attributesOf(info: RequestInfo): Attributes {
  if (info.kind === 'path') return { kind: 'path', verb: info.verb, path: info.path };
  const resource = info.subresource === undefined ? info.resource : `${info.resource}/${info.subresource}`;
  const { verb, group, namespace, name } = info;
  return { kind: 'resource', verb, group, resource, namespace, name };
}

/** @returns the context of a resource request, undefined where nothing of that name is served. */
export function contextOf(
  parts: RouterParts,
  request: ApiRequest,
  info: ResourceRequest,
): ResourceContext | undefined {
  const { registry } = parts.engine;
  const served = registry.find(info.group, info.version, info.resource);
  if (served === undefined || (served.namespaced && info.namespace === undefined && info.name !== undefined))
    return undefined;
  const stored = served.group === 'events.k8s.io' ? (registry.byName('events') ?? served) : served;
  // A namespace is not inside itself.
  const namespace = served.namespaced ? info.namespace : undefined;
  return {
    engine: parts.engine,
    kubelet: parts.kubelet,
    authorizer: parts.authorizer,
    request,
    info: { ...info, namespace },
    served,
    stored,
  };
}

async function resourceHandler(parts: RouterParts, context: ResourceContext): Promise<ApiResponse> {
  const { info, served } = context;
  const review = reviewHandler(context, parts);
  if (review !== undefined) return review;
  if (info.subresource !== undefined) {
    const handled = await subresourceHandler(context, parts.tokens);
    if (handled !== undefined) return handled;
    if (!served.subresources.some((one) => one.name === info.subresource)) throw pathNotFound();
  } else if (
    !served.verbs.some((verb) => verb === info.verb) ||
    (info.verb === 'create' && info.name !== undefined) ||
    ((info.verb === 'update' || info.verb === 'patch') && info.name === undefined)
  ) {
    throw methodNotAllowed();
  }
  return plainHandler(context);
}

function plainHandler(context: ResourceContext): ApiResponse {
  switch (context.info.verb) {
    case 'get':
      return getHandler(context);
    case 'list':
      return listHandler(context);
    case 'watch':
      return watchHandler(context);
    case 'create':
      return createHandler(context);
    case 'update':
      return updateHandler(context);
    case 'patch':
      return patchHandler(context);
    case 'delete':
      return deleteHandler(context);
    case 'deletecollection':
      return deleteCollectionHandler(context);
  }
}

/** In a group that is served the resource is unknown; below a group that is not, the path is. */
function unknownResource(parts: RouterParts, info: ResourceRequest): ApiResponse {
  const isServed = parts.engine.registry.groups().some((group) => group.name === info.group);
  if (isServed) throw pathNotFound();
  return textResponse('404 page not found\n', 404);
}

function pathHandler(parts: RouterParts, request: ApiRequest): ApiResponse {
  const { pathname } = request.url;
  const { registry } = parts.engine;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  if (pathname === '/version' || pathname === '/version/') return jsonResponse(versionInfo());
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(pathname)) return textResponse('ok');
  if (pathname === '/openapi/v3' || pathname === '/openapi/v3/') return jsonResponse(openApiIndex(registry));
  const document = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(pathname);
  if (document !== null) {
    const found = openApiDocument(registry, document[1] ?? '', document[2] ?? '');
    if (found !== undefined) return jsonResponse(found);
  }
  if (pathname === '/' || pathname === '') return jsonResponse({ paths: rootPaths(registry.groups()) });
  const found = discovery(registry, request);
  if (found !== undefined) return found;
  const [, group = ''] = /^\/apis\/([^/]+)\//.exec(pathname) ?? [];
  if (registry.groups().some(({ name }) => name !== '' && name === group)) throw pathNotFound();
  return textResponse('404 page not found\n', 404);
}

function rootPaths(
  groups: readonly { readonly name: string; readonly versions: readonly string[] }[],
): readonly string[] {
  const served = groups.flatMap(({ name, versions }) =>
    name === ''
      ? versions.map((version) => `/api/${version}`)
      : [`/apis/${name}`, ...versions.map((version) => `/apis/${name}/${version}`)],
  );
  return ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version', ...served].sort();
}

function versionInfo(): unknown {
  const [major = '1', minor = ''] = kubernetesVersion.slice(1).split('.');
  return {
    major,
    minor,
    gitVersion: `${kubernetesVersion}.0+padlock-lab`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: 'linux/amd64',
  };
}

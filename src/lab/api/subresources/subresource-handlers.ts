/** Which handler answers which subresource. `status` has none of its own: the handlers of the resource know it. */
import { bindPod, finalizeNamespace } from '../engine/subresources.ts';
import { fieldManager, isDryRun, type ResourceContext, viewOf } from '../http/context.ts';
import { parseBody } from '../http/decode.ts';
import { methodNotAllowed } from '../http/errors.ts';
import { presentObject } from '../http/present.ts';
import { type ApiResponse, jsonResponse } from '../http/request.ts';
import { draftOf, ensureObject, isObject, type JsonObject, objectAt, stringAt } from '../json.ts';
import type { TokenIssuer } from '../rbac/tokens.ts';
import { builtinSchema } from '../schema/builtin.ts';
import { ApiStatus, badRequest } from '../status.ts';
import { evictionHandler } from './eviction.ts';
import { logHandler } from './log.ts';
import { podOf } from './pod-container.ts';
import { proxyHandler } from './proxy.ts';
import { scaleHandler } from './scale.ts';
import { tokenHandler } from './token.ts';

type Handler = (context: ResourceContext, tokens: TokenIssuer) => ApiResponse | Promise<ApiResponse>;

const handlers: Readonly<Record<string, Handler>> = {
  scale: scaleHandler,
  'pods/eviction': evictionHandler,
  'pods/binding': bindingHandler,
  'pods/log': logHandler,
  'pods/proxy': proxyHandler,
  'services/proxy': proxyHandler,
  'pods/exec': needsUpgrade,
  'pods/attach': needsUpgrade,
  'pods/portforward': needsUpgrade,
  'pods/ephemeralcontainers': refuseDebugging,
  'nodes/proxy': refuseNodeProxy,
  'namespaces/finalize': finalizeHandler,
  'serviceaccounts/token': tokenHandler,
};

/** @returns the answer, undefined where the subresource has no handler of its own. */
export async function subresourceHandler(
  context: ResourceContext,
  tokens: TokenIssuer,
): Promise<ApiResponse | undefined> {
  const { served, info } = context;
  const name = info.subresource ?? '';
  if (!served.subresources.some((one) => one.name === name)) return undefined;
  const handler = handlers[`${served.resource}/${name}`] ?? handlers[name];
  return handler === undefined ? undefined : await handler(context, tokens);
}

function bodyOf(context: ResourceContext, kind: string): JsonObject {
  const { request } = context;
  const { value: body } = parseBody(
    request.body,
    request.headers['content-type'],
    kind,
    builtinSchema(`core.v1.${kind}`),
  );
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
  return body;
}

function bindingHandler(context: ResourceContext): ApiResponse {
  const { engine, stored, info, request } = context;
  if (info.verb !== 'create') throw methodNotAllowed();
  const options = { manager: fieldManager(request), dryRun: isDryRun(request, 'CreateOptions') };
  bindPod(engine, stored, info.namespace ?? '', info.name ?? '', bodyOf(context, 'Binding'), options);
  return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201);
}

function finalizeHandler(context: ResourceContext): ApiResponse {
  const { engine, stored, info, request } = context;
  if (info.verb !== 'update') throw methodNotAllowed();
  const body = bodyOf(context, 'Namespace');
  ensureObject(body, 'metadata').name = info.name ?? '';
  const options = { manager: fieldManager(request), dryRun: isDryRun(request, 'UpdateOptions') };
  return jsonResponse(presentObject(finalizeNamespace(engine, stored, body, options), viewOf(context)));
}

function needsUpgrade(context: ResourceContext): never {
  const pod = podOf(context);
  if ((stringAt(objectAt(draftOf(pod), 'spec'), 'nodeName') ?? '') === '') {
    throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  }
  throw badRequest('Upgrade request required');
}

function refuseDebugging(context: ResourceContext): ApiResponse | Promise<ApiResponse> {
  if (context.info.verb === 'get')
    return jsonResponse(
      presentObject(
        context.engine.store.get('pods', `${context.info.namespace ?? ''}/${context.info.name ?? ''}`) ??
          missing(context),
        viewOf(context),
      ),
    );
  throw new ApiStatus(
    'Forbidden',
    `pods "${context.info.name ?? ''}" is forbidden: the lab runs no container images, so it has no debugging containers to add`,
    { name: context.info.name ?? '', kind: 'pods' },
  );
}

function missing(context: ResourceContext): never {
  throw new ApiStatus('NotFound', `pods "${context.info.name ?? ''}" not found`, {
    name: context.info.name ?? '',
    kind: 'pods',
  });
}

function refuseNodeProxy(): never {
  throw new ApiStatus(
    'ServiceUnavailable',
    "error trying to reach service: the lab's nodes have no kubelet API",
  );
}

/** Get, list and watch. */
import { mustGet } from '../engine/engine.ts';
import { type ResourceContext, viewOf } from './context.ts';
import { listPage, selectionOf } from './list.ts';
import { checkListOptions } from './list-options.ts';
import { presentList, presentObject } from './present.ts';
import { type ApiResponse, jsonResponse } from './request.ts';
import { watchLines, watchOptions } from './watch.ts';

export function getHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { engine, stored, info } = context;
  return jsonResponse(presentObject(mustGet(engine, stored, info.namespace, info.name ?? ''), view));
}

export function listHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const selection = selectionOf(context.request.url, context.stored, context.info.namespace);
  const page = listPage(context.engine, context.stored, selection, context.request.url);
  return jsonResponse(presentList(page.items, view, page.metadata));
}

export function watchHandler(context: ResourceContext): ApiResponse {
  const view = viewOf(context);
  const { engine, request, stored, info } = context;
  checkListOptions(request.url, true);
  const named = info.name === undefined ? [] : [{ field: 'metadata.name', equals: true, value: info.name }];
  const selection = selectionOf(request.url, stored, info.namespace);
  const narrowed = { ...selection, fields: [...selection.fields, ...named] };
  const stream = watchLines(engine, { ...view, stored }, narrowed, watchOptions(request.url), request.signal);
  return { status: 200, body: { stream, type: 'application/json' } };
}

/** The `eviction` subresource: a deletion that PodDisruptionBudgets may hold back. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { deleteObject } from '../engine/delete.ts';
import { isDryRun, type ResourceContext } from '../http/context.ts';
import { parseBody } from '../http/decode.ts';
import { methodNotAllowed } from '../http/errors.ts';
import { type ApiResponse, jsonResponse } from '../http/request.ts';
import { draftOf, isObject, numberAt, objectAt, stringAt, stringMapAt } from '../json.ts';
import { builtinSchema } from '../schema/builtin.ts';
import { matchesLabelSelector } from '../selectors/label-selector.ts';
import { ApiStatus, badRequest } from '../status.ts';
import { podOf } from './pod-container.ts';

/** POST of `pods/NAME/eviction`. @throws ApiStatus TooManyRequests where a budget leaves no room. */
export function evictionHandler(context: ResourceContext): ApiResponse {
  const { engine, stored, info, request } = context;
  if (info.verb !== 'create') throw methodNotAllowed();
  const { value: body } = parseBody(
    request.body,
    request.headers['content-type'],
    'Eviction',
    builtinSchema('policy.v1.Eviction'),
  );
  const options = isObject(body) ? objectAt(body, 'deleteOptions') : undefined;
  const pod = podOf(context);
  const named = isObject(body) ? stringAt(objectAt(body, 'metadata'), 'name') : undefined;
  if (named !== undefined && named !== pod.metadata.name)
    throw badRequest('name in URL does not match name in Eviction object');
  refuseByBudget(context, pod);
  const grace = numberAt(options, 'gracePeriodSeconds');
  deleteObject(engine, stored, info.namespace, pod.metadata.name, {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    dryRun: isDryRun(request, 'DeleteOptions') || Array.isArray(options?.dryRun),
  });
  return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201);
}

/** A pod that is not running, or already going, holds nothing up. */
function refuseByBudget(context: ResourceContext, pod: KubeObject): void {
  const draft = draftOf(pod);
  const phase = objectAt(draft, 'status')?.phase;
  if (phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return;
  const labels = stringMapAt(objectAt(draft, 'metadata'), 'labels');
  for (const { object } of context.engine.store.list(
    'poddisruptionbudgets.policy',
    `${pod.metadata.namespace ?? ''}/`,
  )) {
    const budget = draftOf(object);
    const selector = objectAt(objectAt(budget, 'spec'), 'selector');
    if (selector === undefined || !matchesLabelSelector(selector, labels)) continue;
    const status = objectAt(budget, 'status');
    if ((numberAt(status, 'disruptionsAllowed') ?? 0) > 0) continue;
    const message = `The disruption budget ${object.metadata.name} needs ${numberAt(status, 'desiredHealthy') ?? 0} healthy pods and has ${numberAt(status, 'currentHealthy') ?? 0} currently`;
    throw new ApiStatus(
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
      {
        causes: [{ reason: 'DisruptionBudget', message }],
      },
    );
  }
}

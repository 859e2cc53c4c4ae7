/** The `log` subresource of pods: the container's lines as plain text, as they come. */
import type { ResourceContext } from '../http/context.ts';
import { type ApiResponse, textResponse } from '../http/request.ts';
import { draftOf, objectAt, stringAt } from '../json.ts';
import { openLog, readLogOptions } from './log-options.ts';
import { containerOf, podOf } from './pod-container.ts';

/** GET of `pods/NAME/log`. */
export async function logHandler(context: ResourceContext): Promise<ApiResponse> {
  const { engine, kubelet, request } = context;
  const query = request.url.searchParams;
  const pod = podOf(context);
  const container = containerOf(pod, query.get('container') ?? '');
  // A pod without a node has no log yet: the real server answers nothing at all.
  if ((stringAt(objectAt(draftOf(pod), 'spec'), 'nodeName') ?? '') === '') return textResponse('', 204);
  const options = readLogOptions(query, container, engine.effects.now());
  const { name, namespace = '' } = pod.metadata;
  const stream = await openLog(kubelet, { namespace, name }, options, request.signal);
  return { status: 200, body: { stream, type: 'text/plain' } };
}

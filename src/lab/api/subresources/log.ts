/** The `log` subresource of pods: the container's lines as plain text, as they come. */
import type { LogOptions } from '../../kubelet/kubelet.ts';
import type { ResourceContext } from '../http/context.ts';
import { type ApiResponse, textResponse } from '../http/request.ts';
import { isTrue } from '../http/request-info.ts';
import { draftOf, objectAt, stringAt } from '../json.ts';
import { invalid } from '../status.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';
import { containerOf, podOf } from './pod-container.ts';

/** GET of `pods/NAME/log`. The first line is awaited, so that a refusal of the kubelet is a refusal of the request. */
export async function logHandler(context: ResourceContext): Promise<ApiResponse> {
  const pod = podOf(context);
  // A pod without a node has no log yet: the real server answers nothing at all.
  const container = containerOf(pod, context.request.url.searchParams.get('container') ?? '');
  if ((stringAt(objectAt(draftOf(pod), 'spec'), 'nodeName') ?? '') === '') return textResponse('', 204);
  const options = logOptions(context, container);
  const { name, namespace = '' } = pod.metadata;
  const lines = context.kubelet
    .logs({ namespace, name }, options, context.request.signal)
    [Symbol.asyncIterator]();
  const first = options.follow ? undefined : await lines.next();
  return { status: 200, body: { stream: joined(first, lines), type: 'text/plain' } };
}

async function* joined(
  first: IteratorResult<string> | undefined,
  rest: AsyncIterator<string>,
): AsyncGenerator<string> {
  if (first?.done === true) return;
  if (first !== undefined) yield first.value;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** @throws ApiStatus Invalid where a number is none or out of range. */
function logOptions(context: ResourceContext, container: string): LogOptions {
  const query = context.request.url.searchParams;
  const tailLines = numberOf(query.get('tailLines'), 'tailLines', 0);
  const limitBytes = numberOf(query.get('limitBytes'), 'limitBytes', 1);
  const sinceSeconds = numberOf(query.get('sinceSeconds'), 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  const now = context.engine.effects.now().getTime();
  const since =
    sinceSeconds === undefined
      ? sinceTime === null
        ? undefined
        : new Date(sinceTime)
      : new Date(now - sinceSeconds * 1000);
  return {
    container,
    follow: isTrue(query.get('follow')),
    timestamps: isTrue(query.get('timestamps')),
    previous: isTrue(query.get('previous')),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { sinceTime: since }),
  };
}

function numberOf(text: string | null, field: string, least: number): number | undefined {
  if (text === null) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  const sentence = least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0';
  throw invalid(
    'PodLogOptions',
    '',
    '',
    toCauses([invalidValue(field, Number.isNaN(value) ? text : value, sentence)]),
  );
}

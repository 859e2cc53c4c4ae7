/** What a request for a log asks for: the same query at the API server and at a kubelet. */
import type { LogOptions, PodName } from '../../kubelet/kubelet.ts';
import type { PodRuntime } from '../../kubelet/server/pod-runtime.ts';
import { isTrue } from '../http/request-info.ts';
import { invalid } from '../status.ts';
import { invalidValue, toCauses } from '../validation/field-error.ts';

/** @throws ApiStatus Invalid where a number is none or out of range. */
export function readLogOptions(query: URLSearchParams, container: string, now: Date): LogOptions {
  const tailLines = numberOf(query.get('tailLines'), 'tailLines', 0);
  const limitBytes = numberOf(query.get('limitBytes'), 'limitBytes', 1);
  const sinceSeconds = numberOf(query.get('sinceSeconds'), 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  const since =
    sinceSeconds === undefined
      ? sinceTime === null
        ? undefined
        : new Date(sinceTime)
      : new Date(now.getTime() - sinceSeconds * 1000);
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

/** The lines as they come. The first one is awaited, so that a refusal is a refusal of the request. */
export async function openLog(
  runtime: PodRuntime,
  pod: PodName,
  options: LogOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const lines = runtime.logs(pod, options, signal)[Symbol.asyncIterator]();
  return joined(options.follow ? undefined : await lines.next(), lines);
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

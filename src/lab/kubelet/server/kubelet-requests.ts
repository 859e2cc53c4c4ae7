/**
 * The paths of a kubelet that the API server calls (k8s.io/kubernetes, pkg/kubelet/server): exec, attach, portForward
 * and containerLogs. Their query says `input`, `output` and `error` where the API's says stdin, stdout and stderr.
 */
import { type ApiResponse, textResponse } from '../../api/http/request.ts';
import { isTrue } from '../../api/http/request-info.ts';
import { ApiStatus, badRequest } from '../../api/status.ts';
import type { Departure } from '../../api/streams/handshake.ts';
import { attachTo, execIn, serveCommand } from '../../api/streams/serve-command.ts';
import { servePortForward } from '../../api/streams/serve-port-forward.ts';
import { openLog, readLogOptions } from '../../api/subresources/log-options.ts';
import type { PodName } from '../kubelet.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** What a path of the kubelet is about. */
interface Asked {
  readonly kind: string;
  readonly pod: PodName;
  readonly container: string;
}

/** `/KIND/NAMESPACE/POD/CONTAINER`, or with the pod's uid before the container. */
function read(url: URL): Asked | undefined {
  const [kind = '', namespace, name, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
  if (namespace === undefined || name === undefined) return undefined;
  return { kind, pod: { namespace, name }, container: rest.at(-1) ?? '' };
}

const unknownPath = (): ApiStatus => new ApiStatus('NotFound', '404 page not found');

/** Answers a request that stays in HTTP. @throws ApiStatus */
export async function kubeletAnswer(
  runtime: PodRuntime,
  url: URL,
  now: Date,
  signal: AbortSignal,
): Promise<ApiResponse> {
  if (url.pathname === '/healthz') return textResponse('ok');
  const asked = read(url);
  if (asked === undefined) throw unknownPath();
  if (asked.kind !== 'containerLogs') {
    if (leaving.has(asked.kind)) throw badRequest('Upgrade request required');
    throw unknownPath();
  }
  const stream = url.searchParams.get('stream') ?? 'All';
  // Which of its two outputs a line came from is not written down: as a kubelet answers without that feature.
  if (stream !== 'All') {
    throw badRequest(
      `unable to return the given log stream: ${JSON.stringify(stream)}. Please enable PodLogsQuerySplitStreams feature gate in kubelet`,
    );
  }
  const options = readLogOptions(url.searchParams, asked.container, now);
  return {
    status: 200,
    body: { stream: await openLog(runtime, asked.pod, options, signal), type: 'text/plain' },
  };
}

type Leave = (runtime: PodRuntime, asked: Asked, url: URL, departure: Departure) => Promise<void>;

const leaving: ReadonlyMap<string, Leave> = new Map<string, Leave>([
  [
    'exec',
    (runtime, { pod, container }, { searchParams }, departure) =>
      serveCommand(departure, streamsOf(searchParams), () =>
        execIn(runtime, pod, container, searchParams.getAll('command')),
      ),
  ],
  [
    'attach',
    (runtime, { pod, container }, { searchParams }, departure) =>
      serveCommand(departure, streamsOf(searchParams), () => attachTo(runtime, pod, container)),
  ],
  [
    'portForward',
    (runtime, { pod }, { searchParams }, departure) =>
      servePortForward(departure, { runtime, pod, ports: searchParams.getAll('port') }),
  ],
]);

/** Serves a request that leaves HTTP. @throws ApiStatus before it has left */
export async function kubeletStream(runtime: PodRuntime, url: URL, departure: Departure): Promise<void> {
  const asked = read(url);
  const leave = asked === undefined ? undefined : leaving.get(asked.kind);
  if (asked === undefined || leave === undefined) throw unknownPath();
  await leave(runtime, asked, url, departure);
}

function streamsOf(query: URLSearchParams) {
  const asks = (name: string): boolean => isTrue(query.get(name));
  return { stdin: asks('input'), stdout: asks('output'), stderr: asks('error'), tty: asks('tty') };
}

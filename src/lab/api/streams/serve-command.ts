/** A command's streams over a connection that has left HTTP: the API server's part and the kubelet's are the same. */
import type { PodName } from '../../kubelet/kubelet.ts';
import type { PodRuntime } from '../../kubelet/server/pod-runtime.ts';
import { ApiStatus, badRequest } from '../status.ts';
import type { AskedStreams, CommandChannels, CommandEnd } from './command-channels.ts';
import { acceptSpdy, acceptWebSocket, type Departure, doorOf, negotiate } from './handshake.ts';
import { spdyChannels, spdyCommandProtocols } from './spdy-channels.ts';
import { webSocketChannels, webSocketCommandProtocols } from './websocket-channels.ts';

export type CommandRun = (channels: CommandChannels) => Promise<CommandEnd>;

/**
 * Takes the connection out of HTTP and runs over it what `prepare` returns; resolves when that has ended.
 * @param prepare called while a refusal can still be an HTTP answer
 * @throws ApiStatus before the connection leaves HTTP
 */
export async function serveCommand(
  departure: Departure,
  asked: AskedStreams,
  prepare: () => CommandRun,
): Promise<void> {
  if (!asked.stdin && !asked.stdout && !asked.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  const run = prepare();
  const channels = await open(departure, asked);
  // Undefined: the client has gone again.
  await channels?.finish(await run(channels));
}

async function open(departure: Departure, asked: AskedStreams): Promise<CommandChannels | undefined> {
  if (doorOf(departure) === 'websocket') {
    const protocol = negotiate(departure, 'websocket', webSocketCommandProtocols);
    return webSocketChannels(await acceptWebSocket(departure, protocol), asked);
  }
  const protocol = negotiate(departure, 'spdy', spdyCommandProtocols);
  return spdyChannels(acceptSpdy(departure, protocol), asked);
}

/** Runs a command in the container. @throws ApiStatus where the container does not run */
export function execIn(
  runtime: PodRuntime,
  pod: PodName,
  container: string,
  command: readonly string[],
): CommandRun {
  const target = runtime.running(pod, container);
  return ({ stdin, stdout, stderr, signal }) =>
    endOf(() => target.exec(command, { ...(stdin === undefined ? {} : { stdin }), stdout, stderr }, signal));
}

/**
 * The container's output from now on. One that was made for attaching (`stdin: true`, as `kubectl run -i` makes it)
 * is shown from its beginning: on a cluster the first lines may be missed, because the container does not wait.
 */
export function attachTo(runtime: PodRuntime, pod: PodName, container: string): CommandRun {
  const target = runtime.running(pod, container);
  const options = { container, follow: true, timestamps: false, previous: false };
  const lines = target.isInteractive ? {} : { tailLines: 0 };
  return ({ stdout, signal }) =>
    endOf(async () => {
      for await (const line of runtime.logs(pod, { ...options, ...lines }, signal)) {
        if (!stdout.write(line)) await new Promise((resolve) => stdout.once('drain', resolve));
      }
      return 0;
    });
}

async function endOf(run: () => Promise<number>): Promise<CommandEnd> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiStatus) return error;
    throw error;
  }
}

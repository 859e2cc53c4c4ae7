/** `exec` and `attach`: a command's streams over a connection that has left HTTP. */
import type { ResourceContext } from '../http/context.ts';
import { isTrue } from '../http/request-info.ts';
import { ApiStatus, badRequest } from '../status.ts';
import { containerOf, podOf } from '../subresources/pod-container.ts';
import type { AskedStreams, CommandChannels, CommandEnd } from './command-channels.ts';
import { acceptSpdy, acceptWebSocket, type Departure, doorOf, negotiate } from './handshake.ts';
import { spdyChannels, spdyCommandProtocols } from './spdy-channels.ts';
import { webSocketChannels, webSocketCommandProtocols } from './websocket-channels.ts';

/**
 * Answers `pods/NAME/exec` and `pods/NAME/attach`; resolves when the command has ended.
 * @throws ApiStatus before the connection leaves HTTP
 */
export async function remoteCommand(context: ResourceContext, departure: Departure): Promise<void> {
  const query = context.request.url.searchParams;
  const asked: AskedStreams = {
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    stderr: isTrue(query.get('stderr')),
    tty: isTrue(query.get('tty')),
  };
  if (!asked.stdin && !asked.stdout && !asked.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  const run = context.info.subresource === 'exec' ? exec(context) : attach(context);
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

type Run = (channels: CommandChannels) => Promise<CommandEnd>;

/** What can be refused is refused now; the rest is told over the channels. */
function exec(context: ResourceContext): Run {
  const query = context.request.url.searchParams;
  const command = query.getAll('command');
  if (command.length === 0) throw badRequest('you must specify at least one command for the container');
  const pod = podOf(context);
  const container = containerOf(pod, query.get('container') ?? '');
  const { namespace = '', name } = pod.metadata;
  const target = context.kubelet.running({ namespace, name }, container);
  return ({ stdin, stdout, stderr, signal }) =>
    endOf(() => target.exec(command, { ...(stdin === undefined ? {} : { stdin }), stdout, stderr }, signal));
}

/**
 * The container's output from now on. One that was made for attaching (`stdin: true`, as `kubectl run -i` makes it)
 * is shown from its beginning: on a cluster the first lines may be missed, because the container does not wait.
 */
function attach(context: ResourceContext): Run {
  const pod = podOf(context);
  const container = containerOf(pod, context.request.url.searchParams.get('container') ?? '');
  const { namespace = '', name } = pod.metadata;
  const target = context.kubelet.running({ namespace, name }, container);
  const options = { container, follow: true, timestamps: false, previous: false };
  const lines = target.isInteractive ? {} : { tailLines: 0 };
  return ({ stdout, signal }) =>
    endOf(async () => {
      for await (const line of context.kubelet.logs({ namespace, name }, { ...options, ...lines }, signal)) {
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

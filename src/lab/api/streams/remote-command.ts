/** `exec` and `attach` of the API server's pods. */
import type { ResourceContext } from '../http/context.ts';
import { isTrue } from '../http/request-info.ts';
import { badRequest } from '../status.ts';
import { containerOf, podOf } from '../subresources/pod-container.ts';
import type { Departure } from './handshake.ts';
import { attachTo, type CommandRun, execIn, serveCommand } from './serve-command.ts';

/**
 * Answers `pods/NAME/exec` and `pods/NAME/attach`; resolves when the command has ended.
 * @throws ApiStatus before the connection leaves HTTP
 */
export async function remoteCommand(context: ResourceContext, departure: Departure): Promise<void> {
  const query = context.request.url.searchParams;
  const asked = {
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    stderr: isTrue(query.get('stderr')),
    tty: isTrue(query.get('tty')),
  };
  await serveCommand(departure, asked, () => runOf(context));
}

/** What can be refused is refused now; the rest is told over the channels. */
function runOf(context: ResourceContext): CommandRun {
  const query = context.request.url.searchParams;
  const command = query.getAll('command');
  const isExec = context.info.subresource === 'exec';
  if (isExec && command.length === 0)
    throw badRequest('you must specify at least one command for the container');
  const found = podOf(context);
  const container = containerOf(found, query.get('container') ?? '');
  const { namespace = '', name } = found.metadata;
  const pod = { namespace, name };
  return isExec
    ? execIn(context.kubelet, pod, container, command)
    : attachTo(context.kubelet, pod, container);
}

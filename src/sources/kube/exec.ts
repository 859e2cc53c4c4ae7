/** `exec` in a pod over WebSocket channels: 1 is standard output, 2 standard error, 3 the end as a `Status`. */
import { PadlockError } from '../../errors.ts';
import type { ExecOptions, ExecResult } from '../cluster.ts';
import { asNumber, asObjects, asText, dig } from '../json-value.ts';
import { type Channels, openChannels } from './channels.ts';
import { errorForSocket, readStatus } from './status.ts';
import type { Transport } from './transport.ts';

const defaultMaxOutput = 64 * 1024 * 1024;

/**
 * Runs a command and waits for its end.
 * @throws PadlockError where it cannot be started, or prints more than `maxOutput`; the signal's reason when aborted
 */
export async function execInPod(
  transport: Transport,
  namespace: string,
  pod: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const query = new URLSearchParams({ stdout: 'true', stderr: 'true' });
  if (options.container !== undefined) query.set('container', options.container);
  for (const word of command) query.append('command', word);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query}`;
  const asked = { verb: 'create', group: '', resource: 'pods/exec', namespace, name: pod };
  const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
  const channels = await openChannels(transport, path, protocols, asked, options.signal);
  try {
    return await collect(channels, `${namespace}/${pod}`, options.maxOutput ?? defaultMaxOutput);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw errorForSocket(error, transport.server, transport.context);
  } finally {
    channels.socket.terminate();
  }
}

async function collect(channels: Channels, pod: string, maxOutput: number): Promise<ExecResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  for await (const { channel, data } of channels.frames()) {
    if (channel === 1) stdout.push(data);
    else if (channel === 2) stderr.push(data);
    else if (channel === 3) {
      return { stdout: text(stdout), stderr: text(stderr), exitCode: exitCodeOf(data, pod) };
    }
    size += data.length;
    if (size > maxOutput) {
      throw new PadlockError(
        'INPUT_TOO_LARGE',
        `a command in pod ${pod} printed more than ${maxOutput} bytes`,
      );
    }
  }
  throw new PadlockError(
    'CLUSTER_REQUEST_FAILED',
    `the connection to pod ${pod} ended before the command did`,
  );
}

function text(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('utf8');
}

/** The end of the command: `Success`, or a failure whose details carry the exit code (remotecommand.NonZeroExitCodeReason). */
function exitCodeOf(frame: Buffer, pod: string): number {
  const status: unknown = JSON.parse(frame.toString('utf8'));
  if (asText(dig(status, 'status')) === 'Success') return 0;
  const { reason, message } = readStatus(status);
  const causes = asObjects(dig(status, 'details', 'causes'));
  const exit = asNumber(causes.find((cause) => cause.reason === 'ExitCode')?.message);
  if (reason === 'NonZeroExitCode' && exit !== undefined) return exit;
  throw new PadlockError('CLUSTER_REQUEST_FAILED', `cannot run a command in pod ${pod}: ${message}`);
}

/** What a container runs: its sidecar, a command that the lab knows, or the program of its image. */
import { posix } from 'node:path';
import type { Container } from '../kinds/pod.ts';
import { startGateway } from '../workloads/gateway.ts';
import { programOf } from '../workloads/images.ts';
import { endedProgram, idleProgram, type Program, type StartProgram } from '../workloads/program.ts';
import { findCommand } from './commands/run-command.ts';

export type Entry =
  | { readonly kind: 'sidecar' }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  | { readonly kind: 'program'; readonly start: StartProgram };

/** Arguments of proxyv2 as an init container: what they would tell the kernel, the lab reads from the pod itself. */
const initArguments: ReadonlySet<string> = new Set([
  'istio-iptables',
  'istio-clean-iptables',
  'istio-validation',
]);

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'ash']);

/** @param container with `$(NAME)` in its command and arguments already expanded */
export function entryOf(container: Container): Entry {
  const { image, command = [], args = [] } = container;
  if (/\/proxyv2\b/.test(image)) {
    if (initArguments.has(args[0] ?? '')) return { kind: 'program', start: () => endedProgram(0) };
    if (args[0] === 'proxy') {
      return args[1] === 'sidecar' ? { kind: 'sidecar' } : { kind: 'program', start: startGateway };
    }
  }
  const program = programOf(container);
  const argv = [...command, ...args];
  if (command.length > 0 && runs(argv, image, program !== undefined)) return { kind: 'command', argv };
  if (command.length === 0 && args.length > 0 && /curl/.test(image) && program === undefined) {
    return { kind: 'command', argv: curlEntry(args, image) };
  }
  return { kind: 'program', start: program ?? idle };
}

/** A server image started through a shell stays the server; its script is not the lab's to run. */
function runs(argv: readonly string[], image: string, isServer: boolean): boolean {
  const executable = argv[0] ?? '';
  if (isServer && shells.has(posix.basename(executable))) return false;
  return findCommand(executable, image) !== undefined || !isServer;
}

/** The entry point of curl's images: a command where the first word is one, else arguments of curl. */
function curlEntry(args: readonly string[], image: string): readonly string[] {
  const [first = ''] = args;
  const isCommand = !first.startsWith('-') && findCommand(first, image) !== undefined;
  return isCommand ? args : ['curl', ...args];
}

function idle(): Program {
  return idleProgram();
}

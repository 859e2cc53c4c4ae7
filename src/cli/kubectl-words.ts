/** What people type who know kubectl, as the words that the parser knows. */
import type { Application, Command } from '@stricli/core';
import { padlockRoutes } from './app.ts';
import type { Context } from './context.ts';
import { namespaceAsArgument, takesNamespaceAsArgument } from './namespace-argument.ts';

export interface PadlockWords {
  /** The command that the words name, as far as there is one: `lab up` of `lab up --prot 1`. */
  readonly command: readonly string[];
  readonly words: readonly string[];
}

/** `help check` is `check --help`, `-ojson` is `-o json`, and `plan -n shop` is `plan shop`. */
export function asPadlockWords(typed: readonly string[]): PadlockWords {
  const [first, ...rest] = typed;
  const asked = first === 'help' ? [...rest, '--help'] : first === 'version' ? ['--version', ...rest] : typed;
  const separated = separateShortValues(asked);
  const { command, target } = commandOf(separated);
  if (target === undefined || !takesNamespaceAsArgument(target)) return { command, words: separated };
  return { command, words: namespaceAsArgument(separated, command.length) };
}

/** kubectl users write `-ojson` and `-nfoo`; the parser wants `-o json`. */
function separateShortValues(words: readonly string[]): readonly string[] {
  const separated: string[] = [];
  let escaped = false;
  for (const word of words) {
    escaped ||= word === '--';
    const match = escaped ? null : /^-([fnol])=?(.+)$/s.exec(word);
    if (match === null) separated.push(word);
    else separated.push(`-${match[1]}`, match[2] ?? '');
  }
  return separated;
}

function commandOf(words: readonly string[]): { command: readonly string[]; target?: Command<Context> } {
  let target: Application<Context>['root'] | undefined = padlockRoutes;
  const command: string[] = [];
  for (const word of words) {
    if (!('getRoutingTargetForInput' in target)) break;
    const next: Application<Context>['root'] | undefined = target.getRoutingTargetForInput(word);
    if (next === undefined) break;
    target = next;
    command.push(word);
  }
  return 'parameters' in target ? { command, target } : { command };
}

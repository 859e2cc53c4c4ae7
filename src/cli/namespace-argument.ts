/** Commands that take their namespace as an argument take it by kubectl's `-n`, too. */
import type { Command, CommandContext } from '@stricli/core';

/** Whether the command names its namespace as its argument, and has no flag for it. */
export function takesNamespaceAsArgument<C extends CommandContext>(command: Command<C>): boolean {
  const { positional, flags = {} } = command.parameters;
  return (
    positional?.kind === 'tuple' &&
    positional.parameters[0]?.placeholder === 'NAMESPACE' &&
    !('namespace' in flags)
  );
}

/** Moves `-n NS` to the argument's place; a namespace that is given both ways stays one. */
export function namespaceAsArgument(words: readonly string[], at: number): readonly string[] {
  const end = words.indexOf('--');
  const flag = words.findIndex(
    (word, index) => /^(-n$|--namespace($|=))/.test(word) && (end === -1 || index < end),
  );
  if (flag === -1) return words;
  const joined = words[flag]?.split('=')[1];
  const namespace = joined ?? words[flag + 1];
  if (namespace === undefined || namespace.startsWith('-')) return words;
  const others = words.toSpliced(flag, joined === undefined ? 2 : 1);
  return others[at] === namespace ? others : others.toSpliced(at, 0, namespace);
}

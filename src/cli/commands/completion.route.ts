/** `padlock completion`: flags and help. */
import { buildCommand } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import type { Context } from '../context.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export const completionRoute = buildCommand<Record<never, never>, readonly [shell: Shell], Context>({
  loader: () => import('./completion.ts'),
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          parse: parseShell,
          proposeCompletions: (partial) => shells.filter((shell) => shell.startsWith(partial)),
          brief: 'the shell',
          placeholder: 'SHELL',
        },
      ],
    },
  },
  docs: {
    brief: 'Print the script that completes padlock’s commands and flags in a shell.',
    fullDescription: `EXAMPLES
  source <(padlock completion bash)                     for this session
  padlock completion zsh > "\${fpath[1]}/_padlock"       for all of them
  padlock completion fish > ~/.config/fish/completions/padlock.fish`,
  },
});

function parseShell(input: string): Shell {
  const shell = shells.find((name) => name === input);
  if (shell === undefined) throw new PadlockError('USAGE', `"${input}" is none of ${shells.join(', ')}`);
  return shell;
}

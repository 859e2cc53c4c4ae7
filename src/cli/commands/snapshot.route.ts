/** `padlock snapshot`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type InputFlags, inputAliases, inputFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface SnapshotFlags extends InputFlags {
  readonly output: string;
}

export const snapshotRoute = buildCommand<SnapshotFlags, readonly string[], Context>({
  loader: () => import('./snapshot.ts'),
  parameters: {
    flags: {
      ...inputFlags,
      output: {
        kind: 'parsed',
        parse: (input) => input,
        brief: 'file to write; a name in .gz is compressed, - is standard output',
        placeholder: 'FILE',
      },
    },
    aliases: { ...inputAliases, o: 'output' },
    positional: {
      kind: 'array',
      parameter: {
        parse: (input) => input,
        brief: 'more files, as a shell expands them',
        placeholder: 'FILE',
      },
    },
  },
  docs: {
    brief: 'Saves what was read, secrets never; every command takes it back with -f.',
    fullDescription: `Reads a cluster, or manifests with -f, and writes one file with all that Padlock
looks at: for a colleague without access, for a comparison next week
(\`padlock diff\`), or beside a report. The file has mode 0600.

EXAMPLES
  padlock snapshot -A -o monday.json.gz       the whole cluster
  padlock check -f monday.json.gz             and what it says today
  padlock diff monday.json.gz cluster         what changed since`,
  },
});

/** `padlock diff`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type ClusterFlags, clusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface DiffFlags extends ClusterFlags {
  readonly from?: string;
  readonly to?: string;
  readonly apply?: boolean;
  readonly namespace?: string;
  readonly failOn: 'breaks' | 'weakened' | 'any' | 'never';
  readonly output: 'text' | 'json' | 'markdown';
}

const text = (input: string): string => input;

export const diffRoute = buildCommand<DiffFlags, readonly string[], Context>({
  loader: () => import('./diff.ts'),
  parameters: {
    flags: {
      from: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'compare with this Git revision; the paths default to .',
        placeholder: 'REV',
      },
      to: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'the newer Git revision; without it the files as they are now',
        placeholder: 'REV',
      },
      apply: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'NEW is applied on top of OLD: what it does not name stays',
      },
      namespace: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'only what concerns this namespace',
        placeholder: 'NS',
      },
      failOn: {
        kind: 'enum',
        values: ['breaks', 'weakened', 'any', 'never'],
        default: 'weakened',
        brief: 'exit with 1 on such a change; weakened fails on breaks too',
      },
      output: {
        kind: 'enum',
        values: ['text', 'json', 'markdown'],
        default: 'text',
        brief: 'how to print it',
      },
      ...clusterFlags,
    },
    aliases: { n: 'namespace', o: 'output' },
    positional: {
      kind: 'array',
      parameter: {
        parse: text,
        brief: 'OLD and NEW: a file, a folder, a saved snapshot, - or the word cluster; with --from, paths',
        placeholder: 'PATH',
      },
    },
  },
  docs: {
    brief: 'Which edges and ports change between two states: BREAKS, WEAKENED, HARDENED.',
    fullDescription: `Evaluates both states as istiod does and compares the answers, not the texts:
a change that means nothing prints nothing.

EXAMPLES
  padlock diff --from main k8s/               a branch’s manifests
  padlock diff monday.json.gz cluster         what changed since the snapshot
  padlock diff cluster strict.yaml --apply    what applying a file would do`,
  },
});

/** `padlock check`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type InputFlags, inputAliases, inputFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';

export const checkOutputs = ['text', 'json', 'yaml', 'sarif', 'junit', 'markdown', 'github'] as const;
export type CheckOutput = (typeof checkOutputs)[number];

export interface CheckFlags extends InputFlags {
  readonly output: CheckOutput;
  readonly failOn: 'error' | 'warning' | 'info' | 'never';
  readonly ignore?: readonly string[];
  readonly verbose?: boolean;
}

export const checkRoute = buildCommand<CheckFlags, readonly string[], Context>({
  loader: () => import('./check.ts'),
  parameters: {
    flags: {
      ...inputFlags,
      output: {
        kind: 'enum',
        values: checkOutputs,
        default: 'text',
        brief: 'how to print it',
      },
      failOn: {
        kind: 'enum',
        values: ['error', 'warning', 'info', 'never'],
        default: 'warning',
        brief: 'exit with 1 when a finding is at least this severe',
      },
      ignore: {
        kind: 'parsed',
        parse: (input) => input,
        optional: true,
        variadic: true,
        brief: 'leave out a code, everywhere or for one resource: PL005, PL005:PeerAuthentication/shop/db',
        placeholder: 'CODE',
      },
      verbose: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'print every finding whole',
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
    brief: 'What is wrong with the mutual TLS policies, why it matters, and the patch that mends it.',
    fullDescription: `Reads a cluster, or manifests with -f, and looks for policies without effect,
plaintext that is accepted, and clients and servers that contradict each other.
\`padlock explain PL001\` explains a code.

Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 could not check.

EXAMPLES
  padlock check -n shop                          a namespace of the cluster
  kustomize build | padlock check -f -           what a tool prints
  padlock check -f k8s/ -o sarif > padlock.sarif for a code host`,
  },
});

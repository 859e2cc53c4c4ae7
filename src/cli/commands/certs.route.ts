/** `padlock certs`: flags and help. */
import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { namespacePositional, type ProofFlags, proofFlags } from '../proof-flags.ts';

export interface CertsFlags extends ProofFlags {
  readonly output: 'table' | 'json' | 'yaml' | 'csv';
}

export const certsRoute = buildCommand<CertsFlags, readonly [namespace?: string], Context>({
  loader: () => import('./certs.ts'),
  parameters: {
    flags: {
      ...proofFlags,
      output: {
        kind: 'enum',
        values: ['table', 'json', 'yaml', 'csv'],
        default: 'table',
        brief: 'how to print it',
      },
    },
    aliases: { n: 'namespace', A: 'allNamespaces', o: 'output' },
    positional: namespacePositional,
  },
  docs: {
    brief: 'Every proxy’s certificate: identity, key, validity, renewal, roots, and what is wrong.',
    fullDescription: `Reads the certificates that each sidecar and gateway holds, from its admin port.
Private keys are neither shown by Envoy nor read. -o csv is an inventory of keys and
certificates in use.

EXIT CODES
  0  nothing wrong
  1  an error: expired, wrong identity, broken chain, foreign root
  3  some proxy could not be read
  2  could not run

EXAMPLES
  padlock certs shop
  padlock certs -A -o csv > inventory.csv`,
  },
});

/** `padlock verify`: flags and help. */
import { buildCommand } from '@stricli/core';
import { parsePort } from '../common-flags.ts';
import type { Context } from '../context.ts';
import {
  namespacePositional,
  type ProbeFlags,
  type ProofFlags,
  probeFlags,
  proofFlags,
} from '../proof-flags.ts';

export interface VerifyFlags extends ProofFlags, ProbeFlags {
  readonly workload?: string;
  readonly port?: readonly number[];
  readonly output: 'table' | 'json' | 'yaml' | 'junit' | 'sarif' | 'markdown' | 'short';
}

const text = (input: string): string => input;

export const verifyRoute = buildCommand<VerifyFlags, readonly [namespace?: string], Context>({
  loader: () => import('./verify.ts'),
  parameters: {
    flags: {
      ...proofFlags,
      workload: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'only this workload: NAME or KIND/NAME',
        placeholder: 'NAME',
      },
      port: {
        kind: 'parsed',
        parse: parsePort,
        optional: true,
        variadic: true,
        brief: 'only this container port, declared or not',
        placeholder: 'PORT',
      },
      ...probeFlags,
      output: {
        kind: 'enum',
        values: ['table', 'json', 'yaml', 'junit', 'sarif', 'markdown', 'short'],
        default: 'table',
        brief: 'how to print it',
      },
    },
    aliases: { n: 'namespace', A: 'allNamespaces', o: 'output' },
    positional: namespacePositional,
  },
  docs: {
    brief:
      'Prove, port by port, that plaintext is refused and mutual TLS accepted with the expected identity.',
    fullDescription: `Joins what is declared, what each proxy has loaded, what traffic did, and what
probes met. PROVEN needs both probes: plaintext refused on every pod, and a mesh
client's request accepted by mutual TLS under the expected SPIFFE ids. What
could not be seen or tried is INCONCLUSIVE and says why. Probes are GETs or
bare connections, nothing else.

EXIT CODES
  0  every port PROVEN
  1  some FAILED
  3  some INCONCLUSIVE, none FAILED
  2  could not run

EXAMPLES
  padlock verify shop
  padlock verify shop --workload cart --port 8080
  padlock verify -A -o junit > verify.xml
  padlock verify shop --probe-pods             where no pod has curl`,
  },
});

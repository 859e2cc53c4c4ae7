/** `padlock explain`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type InputFlags, inputAliases, inputFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface ExplainFlags extends InputFlags {
  readonly output: 'text' | 'json' | 'yaml';
}

export const explainRoute = buildCommand<ExplainFlags, readonly string[], Context>({
  loader: () => import('./explain.ts'),
  parameters: {
    flags: {
      ...inputFlags,
      output: {
        kind: 'enum',
        values: ['text', 'json', 'yaml'],
        default: 'text',
        brief: 'how to print it',
      },
    },
    aliases: { ...inputAliases, o: 'output' },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: {
        parse: (input) => input,
        brief: 'CLIENT SERVER:PORT, WORKLOAD:PORT, a line of a log, or - for lines from standard input',
        placeholder: 'QUESTION',
      },
    },
  },
  docs: {
    brief:
      'Why a call is mutual TLS, plaintext or refused, and the one field to change; what an error means.',
    fullDescription: `Walks the chain as istiod decides it: mesh, namespace, workload and port on the
server's side, DestinationRule or automatic mutual TLS on the client's. The
change that it names was tried on a copy of what was read. A pasted line of a
log needs no cluster; with -f, -n or -A its addresses are looked up.

EXAMPLES
  padlock explain web/front shop/cart:8000    one call
  padlock explain outside shop/cart:8000      a caller without a sidecar
  padlock explain shop/cart:8080              what one port takes, and why
  padlock explain 'NR filter_chain_not_found'
  kubectl logs POD -c istio-proxy | padlock explain -
  padlock explain PL011                       a code of padlock check

EXIT CODES
  0  explained
  2  could not run: nothing of that name, wrong usage
  3  the line says nothing that is known here`,
  },
});

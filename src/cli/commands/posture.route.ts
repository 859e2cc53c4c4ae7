/** `padlock posture`: flags and help. */
import { buildCommand } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import { type LabelQuery, parseLabelQuery } from '../../istio/label-query.ts';
import { type InputFlags, inputAliases, inputFlags, parsePort } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface PostureFlags extends InputFlags {
  readonly selector?: LabelQuery;
  readonly port?: readonly number[];
  readonly output: 'table' | 'json' | 'yaml';
}

export const postureRoute = buildCommand<PostureFlags, readonly string[], Context>({
  loader: () => import('./posture.ts'),
  parameters: {
    flags: {
      ...inputFlags,
      selector: {
        kind: 'parsed',
        parse: parseSelector,
        optional: true,
        brief: 'only pods with these labels, and who calls them or is called, e.g. app=httpbin',
        placeholder: 'LABELS',
      },
      port: {
        kind: 'parsed',
        parse: parsePort,
        optional: true,
        variadic: true,
        brief: 'judge this port too, on every pod, declared or not',
        placeholder: 'PORT',
      },
      output: {
        kind: 'enum',
        values: ['table', 'json', 'yaml'],
        default: 'table',
        brief: 'how to print it',
      },
    },
    aliases: { ...inputAliases, l: 'selector', o: 'output' },
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
    brief: 'What each port of each pod accepts, what each client sends, and which policy decided it.',
    fullDescription: `Reads a cluster, or manifests with -f, and evaluates them as istiod does. This
is what is declared; \`padlock verify\` proves it by real connections.

EXAMPLES
  padlock posture -n shop                     a namespace of the cluster
  padlock posture -n shop -l app=cart         one workload, and its clients
  padlock posture -f k8s/ -o json             manifests, for a script
  padlock posture -n shop --port 9000         a port that nobody declares`,
  },
});

function parseSelector(text: string): LabelQuery {
  const query = parseLabelQuery(text);
  if (query !== undefined) return query;
  throw new PadlockError('USAGE', `"${text}" is no label selector; write it like app=cart,tier!=web`);
}

/** `padlock plan`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type ClusterFlags, clusterFlags, parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface PlanFlags extends ClusterFlags {
  readonly window: number;
  readonly lookBack: number;
  readonly prometheus?: string;
  readonly traffic: boolean;
  readonly shadow?: boolean;
  readonly whatIf?: readonly string[];
  readonly out?: string;
  readonly owner: string;
  readonly until?: string;
  readonly output: 'text' | 'json' | 'markdown';
}

const text = (input: string): string => input;

export const planRoute = buildCommand<PlanFlags, readonly [namespace: string], Context>({
  loader: () => import('./plan.ts'),
  parameters: {
    flags: {
      window: {
        kind: 'parsed',
        parse: parseDuration,
        default: '30s',
        brief: 'how long to watch counters',
        placeholder: 'TIME',
      },
      lookBack: {
        kind: 'parsed',
        parse: parseDuration,
        default: '15m',
        brief: 'how far back to read logs and Prometheus',
        placeholder: 'TIME',
      },
      prometheus: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'ask Prometheus too: its URL, NAMESPACE/SERVICE[:PORT], or auto to find it',
        placeholder: 'WHERE',
      },
      traffic: {
        kind: 'boolean',
        default: true,
        brief: 'judge the configuration only',
      },
      shadow: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'rehearse STRICT on live traffic, by a dry run that refuses nobody',
      },
      whatIf: {
        kind: 'parsed',
        parse: text,
        optional: true,
        variadic: true,
        brief: 'plan for these policies and not for STRICT: a file or a folder',
        placeholder: 'FILE',
      },
      out: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'write policies, exceptions and rollback here, as a kustomize base',
        placeholder: 'DIR',
      },
      owner: {
        kind: 'parsed',
        parse: text,
        default: 'unassigned',
        brief: 'who answers for the exceptions',
        placeholder: 'NAME',
      },
      until: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'last day of the exceptions (default: in 60 days)',
        placeholder: 'DATE',
      },
      output: {
        kind: 'enum',
        values: ['text', 'json', 'markdown'],
        default: 'text',
        brief: 'how to print it',
      },
      ...clusterFlags,
    },
    aliases: { o: 'output', w: 'window' },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: text, brief: 'namespace to plan for', placeholder: 'NAMESPACE' }],
    },
  },
  docs: {
    brief: 'Who still sends plaintext, what STRICT would break, and the narrowest exceptions.',
    fullDescription: `Watches real traffic for a window and reads the configuration: which callers send
plaintext, by name; what else STRICT would break, with the resource that shows it; and for
each the narrowest exception. What could not be seen is listed, and the answer is then
INCONCLUSIVE. It changes nothing in the cluster, but for --shadow: that adds a dry-run
AuthorizationPolicy for the window, which refuses nobody, and removes it again.

--prometheus takes a URL, or reaches a Service by port-forward. A user and password may
stand in the URL, a bearer token in PADLOCK_PROMETHEUS_TOKEN; neither is printed.

EXIT CODES
  0 nobody would be refused   1 somebody would   3 inconclusive
  2 could not run

EXAMPLES
  padlock plan shop
  padlock plan shop --window 10m --look-back 24h
  padlock plan shop --prometheus auto --look-back 168h
  padlock plan shop --shadow --window 5m
  padlock plan shop --out plans/shop --owner team-cart
  padlock plan shop --what-if policies.yaml -o markdown`,
  },
});

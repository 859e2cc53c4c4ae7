/** `padlock dashboard`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type ClusterFlags, clusterFlags, inputFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';
import { parseDashboardPort } from '../dashboard-port.ts';

export interface DashboardFlags extends ClusterFlags {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly port: number;
  readonly allowChanges?: boolean;
  readonly noOpen?: boolean;
}

export const dashboardRoute = buildCommand<DashboardFlags, readonly string[], Context>({
  loader: () => import('./dashboard.ts'),
  parameters: {
    flags: {
      filename: inputFlags.filename,
      namespace: inputFlags.namespace,
      allNamespaces: inputFlags.allNamespaces,
      port: {
        kind: 'parsed',
        parse: parseDashboardPort,
        default: '0',
        brief: 'port on 127.0.0.1; 0 takes any free one',
        placeholder: 'PORT',
      },
      allowChanges: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'let the page pause, resume and abort rollouts',
      },
      noOpen: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'only print the address, open no browser',
      },
      ...clusterFlags,
    },
    aliases: { f: 'filename', n: 'namespace', A: 'allNamespaces' },
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
    brief: 'A local page: who talks to whom by mutual TLS, what STRICT would break, what happens now.',
    fullDescription: `Serves a page on 127.0.0.1 that only the browser with the printed token can read. It
changes nothing unless it is started with --allow-changes. Ctrl-C ends it.

EXAMPLES
  padlock dashboard -n shop                   a namespace, and who calls it
  padlock dashboard -A                        the whole mesh
  padlock dashboard -f snapshot.json          a saved snapshot, or manifests`,
  },
});

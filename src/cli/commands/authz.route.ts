/** `padlock authz suggest|denied`: flags and help. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import { type ClusterFlags, clusterFlags, parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface AuthzSuggestFlags extends ClusterFlags {
  readonly since: number;
  readonly paths?: boolean;
  readonly enforce?: boolean;
  readonly output: 'yaml' | 'json';
}

export interface AuthzDeniedFlags extends ClusterFlags {
  readonly window: number;
  readonly output: 'text' | 'json';
}

const namespace = {
  kind: 'tuple',
  parameters: [
    { parse: (input: string) => input, brief: 'the namespace of the servers', placeholder: 'NAMESPACE' },
  ],
} as const;

const suggest = buildCommand<AuthzSuggestFlags, readonly [namespace: string], Context>({
  loader: async () => (await import('../authz/suggest.ts')).suggest,
  parameters: {
    flags: {
      since: {
        kind: 'parsed',
        parse: parseDuration,
        default: '1h',
        brief: 'how far back access logs are read',
        placeholder: 'TIME',
      },
      paths: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'also methods and paths, on HTTP ports',
      },
      enforce: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'policies that refuse; without it they are dry runs that only count',
      },
      output: { kind: 'enum', values: ['yaml', 'json'], default: 'yaml', brief: 'how to print it' },
      ...clusterFlags,
    },
    aliases: { o: 'output' },
    positional: namespace,
  },
  docs: {
    brief: 'Least-privilege AuthorizationPolicies from who called what.',
    fullDescription: `Prints one ALLOW policy for each workload that was called; nothing is applied. Apply them
as dry runs, see with "authz denied" what they would have refused, then print them again
with --enforce. A port that accepts plaintext is left open, with the reason: its callers
have no identity.

EXAMPLES
  padlock authz suggest shop | kubectl apply -f -
  padlock authz denied shop --window 10m
  padlock authz suggest shop --since 24h --enforce | kubectl apply -f -`,
  },
});

const denied = buildCommand<AuthzDeniedFlags, readonly [namespace: string], Context>({
  loader: async () => (await import('../authz/denied.ts')).denied,
  parameters: {
    flags: {
      window: {
        kind: 'parsed',
        parse: parseDuration,
        default: '1m',
        brief: 'how long to watch',
        placeholder: 'TIME',
      },
      output: { kind: 'enum', values: ['text', 'json'], default: 'text', brief: 'how to print it' },
      ...clusterFlags,
    },
    aliases: { o: 'output' },
    positional: namespace,
  },
  docs: {
    brief: 'What dry-run AuthorizationPolicies would have denied.',
    fullDescription: `Reads the proxies' dry-run counters twice and tells the difference, with the callers of
the window that the dry runs do not name.

EXIT CODES
  0 nothing would have been denied   1 something would
  3 nothing came, or some proxy could not be read   2 could not run`,
  },
});

export const authzRoute = buildRouteMap({
  routes: { suggest, denied },
  docs: { brief: 'AuthorizationPolicies from observed identities.' },
});

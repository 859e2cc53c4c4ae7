/** `padlock guard install|status|remove`: flags and help. */
import { buildCommand, buildRouteMap, type FlagParametersForType } from '@stricli/core';
import { PadlockError } from '../../errors.ts';
import { type ClusterFlags, clusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface GuardInstallFlags extends ClusterFlags {
  readonly action: 'deny' | 'audit';
  readonly maxExceptionDays: number;
  readonly clusterDomain?: string;
  readonly print?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

export interface GuardStatusFlags extends ClusterFlags {
  readonly maxExceptionDays: number;
  readonly output: 'text' | 'json';
}

const namespace = {
  kind: 'tuple',
  parameters: [{ parse: parseNamespace, brief: 'the namespace that is guarded', placeholder: 'NAMESPACE' }],
} as const;

const daysFlag = {
  maxExceptionDays: {
    kind: 'parsed',
    parse: parseDays,
    default: '90',
    brief: 'how far ahead an exception may reach',
    placeholder: 'DAYS',
  },
} as const satisfies FlagParametersForType<{ readonly maxExceptionDays: number }, Context>;

const install = buildCommand<GuardInstallFlags, readonly [namespace: string], Context>({
  loader: async () => (await import('../guard/install.ts')).install,
  parameters: {
    flags: {
      action: {
        kind: 'enum',
        values: ['deny', 'audit'],
        default: 'deny',
        brief: 'refuse, or only warn and note it in the API server’s audit log',
      },
      ...daysFlag,
      clusterDomain: {
        kind: 'parsed',
        parse: (input: string) => input,
        optional: true,
        brief: 'what Service hosts end in; read from the proxies when left out',
        placeholder: 'DOMAIN',
      },
      print: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'print the manifests and touch no cluster',
      },
      force: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'also where the namespace has no STRICT policy of its own yet',
      },
      yes: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'do not ask first, as a terminal is asked',
      },
      ...clusterFlags,
    },
    aliases: { y: 'yes' },
    positional: namespace,
  },
  docs: {
    brief: 'Keep a namespace from being weakened, by admission policies.',
    fullDescription: `Installs five ValidatingAdmissionPolicies (CEL; no webhook to run; Kubernetes 1.30+)
and tries one on the API server with a dry run. They refuse what would bring plaintext
back: policies, DestinationRules of any client, pods and templates without a sidecar, the
namespace’s own label. An exception takes two annotations on the object:
padlock.dev/exception-owner and padlock.dev/exception-until (2027-01-31).

EXAMPLES
  padlock guard install shop --action audit      warn first
  padlock guard install shop
  padlock guard install shop --print > guard.yaml`,
  },
});

const status = buildCommand<GuardStatusFlags, readonly [namespace: string], Context>({
  loader: async () => (await import('../guard/status.ts')).status,
  parameters: {
    flags: {
      ...daysFlag,
      output: { kind: 'enum', values: ['text', 'json'], default: 'text', brief: 'how to print it' },
      ...clusterFlags,
    },
    aliases: { o: 'output' },
    positional: namespace,
  },
  docs: {
    brief: 'Whether the guard is in place, and what stands in spite of it.',
    fullDescription: `Compares the policies in the cluster with those that Padlock would write, and judges
what stands in the namespace by the same rules: weaknesses from before, exceptions with
their owners and ends.

EXIT CODES
  0 in place, and nothing weak but by exceptions that hold
  1 missing, altered, only auditing, or something weak stands   2 could not run`,
  },
});

const remove = buildCommand<ClusterFlags, readonly [namespace: string], Context>({
  loader: async () => (await import('../guard/remove.ts')).remove,
  parameters: { flags: clusterFlags, positional: namespace },
  docs: { brief: 'Take the guard away.' },
});

export const guardRoute = buildRouteMap({
  routes: { install, status, remove },
  docs: { brief: 'Admission policies that keep a namespace from being weakened.' },
});

function parseNamespace(input: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(input)) return input;
  throw new PadlockError('USAGE', `"${input}" is not a namespace’s name`);
}

function parseDays(input: string): number {
  const days = Number(input);
  if (/^\d{1,4}$/.test(input) && days >= 1) return days;
  throw new PadlockError('USAGE', `"${input}" is not a number of days from 1 to 9999`);
}

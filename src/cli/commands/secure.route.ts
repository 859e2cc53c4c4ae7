/** `padlock secure`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type ClusterFlags, clusterFlags, parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';

export interface SecureFlags extends ClusterFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly until: 'inject' | 'permissive' | 'strict';
  readonly workload?: readonly string[];
  readonly exclude?: readonly string[];
  readonly revision?: string;
  readonly abort?: boolean;
  readonly acceptInconclusive?: boolean;
  readonly probePods?: boolean;
  readonly probeImage: string;
  readonly forceGitops?: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  readonly output: 'text' | 'json';
}

const text = (input: string): string => input;

export const secureRoute = buildCommand<SecureFlags, readonly [namespace: string], Context>({
  loader: () => import('./secure.ts'),
  parameters: {
    flags: {
      dryRun: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'print every write that it would do, and do none',
      },
      yes: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'do not ask before the first write',
      },
      until: {
        kind: 'enum',
        values: ['inject', 'permissive', 'strict'],
        default: 'strict',
        brief: 'stop after this stage',
      },
      workload: {
        kind: 'parsed',
        parse: text,
        optional: true,
        variadic: true,
        brief: 'only this workload, by a policy of its own',
        placeholder: 'NAME',
      },
      exclude: {
        kind: 'parsed',
        parse: text,
        optional: true,
        variadic: true,
        brief: 'leave this workload out; it stays PERMISSIVE',
        placeholder: 'NAME',
      },
      revision: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'revision or tag of the control plane that injects',
        placeholder: 'REV',
      },
      abort: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'bring back what stood before the last rollout, from its record',
      },
      probePods: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'prove from two short-lived pods, where no container has curl',
      },
      probeImage: {
        kind: 'parsed',
        parse: text,
        default: 'curlimages/curl:8.16.0',
        brief: 'image of the probe pods; any with curl and sleep',
        placeholder: 'IMAGE',
      },
      acceptInconclusive: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'go on where a proof comes out neither way',
      },
      forceGitops: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'change objects that Argo CD or Flux would put back',
      },
      timeout: {
        kind: 'parsed',
        parse: parseDuration,
        default: '10m',
        brief: 'longest time for one workload to roll out',
        placeholder: 'TIME',
      },
      output: {
        kind: 'enum',
        values: ['text', 'json'],
        default: 'text',
        brief: 'how to print it; json is one event a line',
      },
      ...clusterFlags,
    },
    aliases: { y: 'yes', o: 'output' },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: text, brief: 'namespace to secure', placeholder: 'NAMESPACE' }],
    },
  },
  docs: {
    brief: 'Take a namespace to proven STRICT mutual TLS, step by step, and back if it fails.',
    fullDescription: `Labels the namespace for injection, restarts what has no sidecar one by one,
sets PERMISSIVE, proves mutual TLS, sets STRICT, and proves that plaintext is
refused. Each step waits until every proxy has loaded it. A step that fails
leads back to what stood before. Ctrl-C pauses; the same command takes it up
again, from any machine: the record is ConfigMap padlock-rollout in the
namespace.

EXAMPLES
  padlock secure shop --dry-run               what it would write
  padlock secure shop                         with a question before it begins
  padlock secure shop --exclude legacy --yes  leave one workload PERMISSIVE
  padlock secure shop --abort                 back to what stood before

EXIT CODES
  0 done and proven; 1 refused by preflight, or taken back; 2 could not run;
  3 paused or proven only in part; 130 paused by Ctrl-C`,
  },
});

/** `padlock secure`: flags and help. */
import { buildCommand } from '@stricli/core';
import { type Stage, stages } from '../../rollout/plan.ts';
import { type ClusterFlags, clusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';
import { type DriveFlags, driveFlags } from '../secure/drive-flags.ts';

export interface SecureFlags extends ClusterFlags, DriveFlags {
  readonly dryRun?: boolean;
  readonly serverDryRun?: boolean;
  readonly until: Stage;
  readonly workload?: readonly string[];
  readonly exclude?: readonly string[];
  readonly revision?: string;
  readonly abort?: boolean;
  readonly forceGitops?: boolean;
  /** Where the evidence bundle goes. */
  readonly evidence?: string;
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
      serverDryRun: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'send every write as a dry run, and print what the API server would keep',
      },
      until: {
        kind: 'enum',
        values: stages,
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
      evidence: {
        kind: 'parsed',
        parse: text,
        optional: true,
        brief: 'keep the proof as "padlock evidence" does: a folder, or a file .tar.gz',
        placeholder: 'PATH',
      },
      forceGitops: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'change objects that Argo CD or Flux would put back',
      },
      ...driveFlags,
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
sets PERMISSIVE, observes live traffic, sets STRICT one workload after the other
and then for the namespace, and proves that plaintext is refused. Each step
waits until every proxy has loaded it, and is watched for requests that fail.
A step that harms leads back to what stood before. Ctrl-C pauses; the same
command takes it up again, from any machine ("padlock rollout" shows and steers
it): the record is ConfigMap padlock-rollout in the namespace.

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

/** `padlock rollout status|pause|resume|abort|history`: flags and help. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import { type ClusterFlags, clusterFlags, parseDuration } from '../common-flags.ts';
import type { Context } from '../context.ts';
import { type DriveFlags, driveFlags } from '../secure/drive-flags.ts';

export interface RolloutFlags extends ClusterFlags {
  readonly output: 'text' | 'json';
}

export interface PauseFlags extends RolloutFlags {
  /** In milliseconds. */
  readonly timeout: number;
}

export type RolloutDriveFlags = ClusterFlags & DriveFlags;

const text = (input: string): string => input;
const positional = {
  kind: 'tuple',
  parameters: [{ parse: text, brief: 'namespace of the rollout', placeholder: 'NAMESPACE' }],
} as const;
const output = {
  kind: 'enum',
  values: ['text', 'json'],
  default: 'text',
  brief: 'how to print it',
} as const;
type Where = readonly [namespace: string];

const statusRoute = buildCommand<RolloutFlags, Where, Context>({
  loader: async () => (await import('./rollout.ts')).status,
  parameters: { flags: { output, ...clusterFlags }, aliases: { o: 'output' }, positional },
  docs: {
    brief: 'Where a rollout stands: its steps, who drives it, why it stopped.',
    fullDescription: `Reads the record, ConfigMap padlock-rollout, and the Lease. Changes nothing.

EXAMPLES
  padlock rollout status shop
  padlock rollout status shop -o json | jq .status`,
  },
});

const historyRoute = buildCommand<RolloutFlags, Where, Context>({
  loader: async () => (await import('./rollout.ts')).history,
  parameters: { flags: { output, ...clusterFlags }, aliases: { o: 'output' }, positional },
  docs: {
    brief: 'What the rollout did and when, and the rollouts before it.',
    fullDescription: `The record keeps the last 300 entries of the newest rollout and the ends of 20
rollouts before it.`,
  },
});

const pauseRoute = buildCommand<PauseFlags, Where, Context>({
  loader: async () => (await import('./rollout.ts')).pause,
  parameters: {
    flags: {
      timeout: {
        kind: 'parsed',
        parse: parseDuration,
        default: '2m',
        brief: 'give up waiting after this time; the wish stays',
        placeholder: 'TIME',
      },
      output,
      ...clusterFlags,
    },
    aliases: { o: 'output' },
    positional,
  },
  docs: {
    brief: 'Pause a rollout that runs, here or on another machine.',
    fullDescription: `Leaves a wish beside the record; the run that holds the Lease finishes the request
under way, saves where it stands, and ends. What it has done stays.`,
  },
});

const resumeRoute = buildCommand<RolloutDriveFlags, Where, Context>({
  loader: async () => (await import('./rollout.ts')).resume,
  parameters: {
    flags: { ...driveFlags, ...clusterFlags },
    aliases: { y: 'yes', o: 'output' },
    positional,
  },
  docs: {
    brief: 'Take a paused rollout up again, or one whose run died, from any machine.',
    fullDescription: `Goes on in the step that was under way; every write may be repeated. --observe
and --max-errors, where given, replace those of the beginning.

EXIT CODES
  as padlock secure`,
  },
});

const abortRoute = buildCommand<RolloutDriveFlags, Where, Context>({
  loader: async () => (await import('./rollout.ts')).abort,
  parameters: {
    flags: { ...driveFlags, ...clusterFlags },
    aliases: { y: 'yes', o: 'output' },
    positional,
  },
  docs: {
    brief: 'Bring back what stood before a rollout, from its record.',
    fullDescription: `Works on a rollout that runs (it is paused first), is paused, died, or is done.
Policies first, newest first, then the injection label, then the restarts; each
step waits as on the way there.

EXIT CODES
  0 everything is as it was; 1 something could not be restored, and is named`,
  },
});

export const rolloutRoute = buildRouteMap({
  routes: {
    status: statusRoute,
    pause: pauseRoute,
    resume: resumeRoute,
    abort: abortRoute,
    history: historyRoute,
  },
  docs: { brief: 'Look at, pause, resume or take back a rollout of "padlock secure".' },
});

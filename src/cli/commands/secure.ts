/** `padlock secure`: read, plan, ask, carry out, say what stands. */
import { resolve } from 'node:path';
import { ExitCode, PadlockError } from '../../errors.ts';
import { refuseTaken } from '../../evidence/bundle/bundle-files.ts';
import { initialState } from '../../rollout/machine.ts';
import { type Prepared, prepare } from '../../rollout/prepare.ts';
import { isUnfinished, readRecord } from '../../rollout/record.ts';
import { type DryWrite, serverDryRun } from '../../rollout/server-dry-run.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { onlyClusterFlags } from '../common-flags.ts';
import type { Context } from '../context.ts';
import { agreed, run, styleOf, takeBack, takeUp, writeLine } from '../secure/drive-command.ts';
import { dryRunText, objectionsText, planText, serverDryRunText } from '../secure/plan-text.ts';
import type { SecureFlags } from './secure.route.ts';

/** Long enough for a scraper that comes twice a minute. */
const defaultObserveMs = 60_000;

export default async function secure(this: Context, flags: SecureFlags, namespace: string): Promise<void> {
  await refuseContradictions(flags, this);
  const cluster = await this.connect(flags);
  const saved = await readRecord(cluster, namespace);
  const onlyLook = flags.dryRun === true || flags.serverDryRun === true;
  if (flags.abort === true) {
    if (saved !== undefined) return takeBack(this, cluster, flags, saved);
    throw new PadlockError('USAGE', `there is no rollout of ${namespace} to take back`, {
      hint: 'the record, ConfigMap padlock-rollout, is missing; nothing was changed',
    });
  }
  if (saved !== undefined && isUnfinished(saved.state) && !onlyLook) {
    return takeUp(this, cluster, flags, saved);
  }
  if (saved?.state.status === 'stuck' && !onlyLook) throw stuck(this, namespace, saved.state.unrestored);
  const prepared = await prepare(cluster, {
    namespace,
    until: flags.until,
    workloads: flags.workload ?? [],
    exclude: flags.exclude ?? [],
    observeMs: flags.observe ?? defaultObserveMs,
    maxErrors: flags.maxErrors ?? { kind: 'count', value: 0 },
    ...(flags.revision === undefined ? {} : { revision: flags.revision }),
    forceGitOps: flags.forceGitops === true,
    now: this.clock.now(),
    signal: this.signal,
  });
  const dry =
    flags.serverDryRun === true ? await serverDryRun(cluster, prepared.plan, this.signal) : undefined;
  await showPlan(this, cluster, flags, prepared, dry);
  if (prepared.objections.length > 0) return refuse(this, flags, prepared);
  if (dry?.some(({ result }) => result === 'refused') === true) this.setExitCode(ExitCode.failed);
  if (onlyLook) return;
  if (!(await agreed(this, flags, 'Go on?'))) return;
  const begin = { state: initialState(prepared.plan), event: { kind: 'start' }, saved } as const;
  const { status } = await run(this, cluster, flags, begin);
  if (status === 'done' && flags.evidence !== undefined) {
    await keepEvidence(this, flags, namespace, flags.evidence);
  }
}

/** Whatever can be said before a cluster is asked. */
async function refuseContradictions(flags: SecureFlags, { cwd }: Context): Promise<void> {
  if ((flags.workload?.length ?? 0) > 0 && (flags.exclude?.length ?? 0) > 0) {
    throw new PadlockError('USAGE', '--workload and --exclude contradict each other');
  }
  if (flags.dryRun === true && flags.serverDryRun === true) {
    throw new PadlockError(
      'USAGE',
      '--dry-run asks nobody and --server-dry-run asks the API server: say one',
    );
  }
  if (flags.evidence !== undefined) await refuseTaken(resolve(cwd, flags.evidence));
}

/** A new rollout would take what could not be restored for what people want, and forget what stood before. */
function stuck({ program }: Context, namespace: string, unrestored: readonly string[]): PadlockError {
  return new PadlockError(
    'PREFLIGHT_REFUSED',
    `the last rollout of ${namespace} could not restore everything: ${unrestored.join('; ')}`,
    {
      hint: `try it again with "${program} rollout abort ${namespace}"; its record still has what stood before`,
    },
  );
}

/** The same bundle as `padlock evidence` makes, with a proof of its own: what is kept is what holds now. */
async function keepEvidence(
  context: Context,
  flags: SecureFlags,
  namespace: string,
  output: string,
): Promise<void> {
  const { collect } = await import('./evidence.ts');
  const isJson = flags.output === 'json';
  const quiet = { ...context.stdout, write: async () => undefined };
  await collect.call(
    isJson ? { ...context, stdout: quiet } : context,
    {
      ...onlyClusterFlags(flags),
      ...(flags.probePods === undefined ? {} : { probePods: flags.probePods }),
      probeImage: flags.probeImage,
      ...evidenceReach,
      output,
    },
    namespace,
  );
  if (isJson) await writeLine(context, { event: 'evidence', output });
}

/** As the flags of `padlock evidence` stand by default. */
const evidenceReach = { since: 300_000, window: 0, rate: 250 } as const;

async function showPlan(
  context: Context,
  cluster: Cluster,
  flags: SecureFlags,
  prepared: Prepared,
  dry: readonly DryWrite[] | undefined,
): Promise<void> {
  const { plan, warnings, versions, advice } = prepared;
  if (flags.output === 'json') {
    const istio = { context: cluster.context, istio: versions, warnings, advice };
    await writeLine(context, { event: 'plan', ...istio, ...plan });
    for (const one of dry ?? []) await writeLine(context, { event: 'server-dry-run', ...one });
    return;
  }
  const style = styleOf(context);
  await context.stdout.write(`${planText(prepared, cluster.context, style)}\n`);
  if (dry !== undefined) await context.stdout.write(serverDryRunText(dry, style));
  else if (flags.dryRun === true) await context.stdout.write(await dryRunText(plan, style));
}

async function refuse(context: Context, flags: SecureFlags, { objections }: Prepared): Promise<void> {
  if (flags.output === 'json') await writeLine(context, { event: 'refused', objections });
  else {
    const { columns } = context.stderr;
    await context.stderr.write(objectionsText(objections, { color: context.stderr.color, columns }));
    await context.stderr.write('Nothing was changed.\n');
  }
  context.setExitCode(ExitCode.failed);
}

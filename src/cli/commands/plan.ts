/** `padlock plan`: read, watch, judge, print, and write the files of a pull request. */
import { ExitCode, PadlockError } from '../../errors.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import { type Answer, type NamespacePlan, planNamespace } from '../../plan/namespace-plan.ts';
import { strictTarget, type Target, whatIfTarget } from '../../plan/target.ts';
import type { Context } from '../context.ts';
import { observeTraffic, tidyUp } from '../plan/observe-traffic.ts';
import { writePlanFiles } from '../plan/write-plan-files.ts';
import { readFiles } from '../read-files.ts';
import type { PlanFlags } from './plan.route.ts';

const exitCodes = {
  ready: ExitCode.ok,
  'would-break': ExitCode.failed,
  inconclusive: ExitCode.inconclusive,
} as const satisfies Record<Answer, ExitCode>;

/** The guard takes exceptions of up to 90 days, and a pull request takes its time. */
const exceptionDays = 60;

export default async function plan(this: Context, flags: PlanFlags, namespace: string): Promise<void> {
  const until = flags.until ?? dayIn(this.clock.now(), exceptionDays);
  checkDay(until, dayIn(this.clock.now(), 0));
  if (flags.shadow === true && !flags.traffic) {
    throw new PadlockError('USAGE', '--shadow watches traffic, and --no-traffic says not to');
  }
  const cluster = await this.connect(flags);
  const mesh = await readMesh(this, cluster, namespace);
  const target = await targetOf(this, flags, mesh, namespace);
  const watched = { cluster, mesh, namespace };
  await tidyUp(this, watched);
  const observed = flags.traffic ? await observeTraffic(this, watched, flags) : undefined;
  const answer = planNamespace({
    context: cluster.context,
    namespace,
    at: new Date(this.clock.now()).toISOString(),
    mesh,
    target,
    observation: observed,
    terms: { owner: flags.owner, until },
  });
  if (flags.out !== undefined) await writePlanFiles(this, flags.out, answer, target);
  await this.stdout.write(await render(answer, flags, this));
  this.setExitCode(exitCodes[answer.answer]);
}

async function readMesh(
  context: Context,
  cluster: Awaited<ReturnType<Context['connect']>>,
  namespace: string,
): Promise<Mesh> {
  const [{ readClusterSnapshot }, { withCallers }] = await Promise.all([
    import('../../sources/cluster-snapshot.ts'),
    import('../../plan/read-more.ts'),
  ]);
  const snapshot = await readClusterSnapshot(cluster, {
    namespaces: [namespace],
    signal: context.signal,
    now: () => context.clock.now(),
    needsIstio: true,
  });
  return buildMesh(await withCallers(cluster, snapshot, namespace, context.signal));
}

async function targetOf(
  context: Context,
  { whatIf }: PlanFlags,
  mesh: Mesh,
  namespace: string,
): Promise<Target> {
  if (whatIf === undefined) return strictTarget(mesh, namespace);
  const { objects } = await readFiles(context, whatIf);
  if (objects.length === 0) {
    throw new PadlockError('INPUT_INVALID', `--what-if: there is no object in ${whatIf.join(', ')}`);
  }
  return whatIfTarget(
    mesh,
    objects.map(({ object }) => object),
    whatIf.join(', '),
  );
}

async function render(answer: NamespacePlan, { output }: PlanFlags, { stdout }: Context): Promise<string> {
  switch (output) {
    case 'text': {
      const { renderPlanText } = await import('../../report/plan/plan-text.ts');
      return renderPlanText(answer, { width: stdout.columns, color: stdout.color });
    }
    case 'json':
      return (await import('../../report/plan/plan-json.ts')).renderPlanJson(answer);
    case 'markdown':
      return (await import('../../report/plan/plan-markdown.ts')).renderPlanMarkdown(answer);
  }
}

function dayIn(now: number, days: number): string {
  return new Date(now + days * 86_400_000).toISOString().slice(0, 10);
}

function checkDay(day: string, today: string): void {
  const time = Date.parse(`${day}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(time) && dayIn(time, 0) === day) {
    if (day >= today) return;
    throw new PadlockError('USAGE', `--until ${day} has passed: the exceptions would be over already`);
  }
  throw new PadlockError('USAGE', `"${day}" is not a day; write it like 2027-01-31`);
}

/** `padlock check`: read, look, sift, place, print. */
import packageJson from '../../../package.json' with { type: 'json' };
import { ExitCode, PadlockError } from '../../errors.ts';
import { runChecks } from '../../mesh/findings/checks.ts';
import { type IgnoreRule, parseIgnoreRule } from '../../mesh/findings/suppression.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import type { CheckFailure, CheckReport } from '../../report/check/check-report.ts';
import { verdictOf } from '../../report/check/check-report.ts';
import { checkRenderers } from '../check-renderers.ts';
import type { Context } from '../context.ts';
import { snapshotFrom } from '../snapshot-from.ts';
import { placeFindings, rememberStdin } from '../source-places.ts';
import type { CheckFlags } from './check.route.ts';

const exitCodes = {
  clean: ExitCode.ok,
  findings: ExitCode.failed,
  'could-not-run': ExitCode.couldNotRun,
} as const;

export default async function check(
  this: Context,
  flags: CheckFlags,
  ...files: readonly string[]
): Promise<void> {
  const render = await checkRenderers[flags.output]();
  const style = { width: this.stdout.columns, color: this.stdout.color, verbose: flags.verbose ?? false };
  let report: CheckReport;
  try {
    report = await gather(this, flags, files);
  } catch (error) {
    // A reader of a machine format must find a failure in the document itself, not an empty file.
    if (flags.output !== 'text') await this.stdout.write(render(failedReport(flags, files, error), style));
    throw error;
  }
  await this.stdout.write(render(report, style));
  this.setExitCode(exitCodes[verdictOf(report)]);
}

async function gather(context: Context, flags: CheckFlags, files: readonly string[]): Promise<CheckReport> {
  const rules = (flags.ignore ?? []).map(ignoreRule);
  const remembered = rememberStdin(context);
  const { snapshot, namespaces } = await snapshotFrom(flags, remembered, files);
  const mesh = buildMesh(snapshot);
  const today = new Date(context.clock.now()).toISOString().slice(0, 10);
  const { findings, suppressed } = runChecks(mesh, {
    rules,
    today,
    ...(namespaces === undefined ? {} : { namespaces }),
  });
  const everywhere = flags.output !== 'text' || flags.verbose === true;
  return {
    version: packageJson.version,
    source: snapshot.source,
    failOn: flags.failOn,
    findings: await placeFindings(findings, remembered, everywhere),
    suppressed,
    checked: {
      pods: mesh.workloads.reduce((sum, { pods }) => sum + pods.length, 0),
      workloads: mesh.workloads.length,
      services: mesh.services.length,
      PeerAuthentications: mesh.peerAuthentications.length,
      DestinationRules: mesh.destinationRules.length,
    },
    failures: [],
  };
}

function ignoreRule(text: string): IgnoreRule {
  const rule = parseIgnoreRule(text);
  if (rule !== undefined) return rule;
  throw new PadlockError('USAGE', `--ignore: "${text}" is no code, and no code with a resource`, {
    hint: 'write PL005, or PL005:PeerAuthentication/NAMESPACE/NAME',
  });
}

function failedReport(flags: CheckFlags, files: readonly string[], error: unknown): CheckReport {
  return {
    version: packageJson.version,
    source: [...(flags.filename ?? []), ...files].join(', ') || (flags.context ?? 'cluster'),
    failOn: flags.failOn,
    findings: [],
    suppressed: [],
    checked: {},
    failures: [failureOf(error)],
  };
}

function failureOf(error: unknown): CheckFailure {
  if (!(error instanceof PadlockError)) {
    return { code: 'BUG', message: error instanceof Error ? error.message : String(error) };
  }
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.position === undefined ? {} : { position: error.position }),
  };
}

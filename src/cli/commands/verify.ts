/** `padlock verify`: take a snapshot, probe, judge, print. */
import { randomUUID } from 'node:crypto';
import { ExitCode } from '../../errors.ts';
import { withProbePods } from '../../evidence/probe/probe-pods.ts';
import type { Verdict } from '../../evidence/verify/row.ts';
import { type Verification, verify } from '../../evidence/verify/verify.ts';
import { buildMesh } from '../../mesh/mesh.ts';
import { renderVerificationJunit } from '../../report/verify/verify-junit.ts';
import { renderVerificationMarkdown } from '../../report/verify/verify-markdown.ts';
import { verificationJson } from '../../report/verify/verify-report.ts';
import { renderVerification, renderVerificationShort } from '../../report/verify/verify-text.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import type { Context } from '../context.ts';
import { countProgress } from '../count-progress.ts';
import { namespacesMeant } from '../proof-flags.ts';
import type { VerifyFlags } from './verify.route.ts';

const exitCodes = {
  PROVEN: ExitCode.ok,
  FAILED: ExitCode.failed,
  INCONCLUSIVE: ExitCode.inconclusive,
} as const satisfies Record<Verdict, ExitCode>;

export default async function verifyCommand(
  this: Context,
  flags: VerifyFlags,
  namespace?: string,
): Promise<void> {
  let verification: Verification;
  try {
    verification = await gather(this, flags, namespace);
  } catch (error) {
    // A report that is read by machines says that the run died, instead of being empty.
    if (flags.output === 'junit') {
      await this.stdout.write(
        renderVerificationJunit(undefined, error instanceof Error ? error.message : String(error)),
      );
    }
    throw error;
  }
  await this.stdout.write(await render(verification, flags.output, this));
  this.setExitCode(exitCodes[verification.verdict]);
}

async function gather(
  context: Context,
  flags: VerifyFlags,
  named: string | undefined,
): Promise<Verification> {
  // Probe pods are removed on the way out.
  if (flags.probePods === true) context.finishOnInterrupt();
  const { signal, clock } = context;
  const cluster = await context.connect(flags);
  const namespaces = namespacesMeant(named, flags, cluster);
  const snapshot = await readClusterSnapshot(cluster, {
    signal,
    now: () => clock.now(),
    needsIstio: true,
    ...(namespaces === undefined ? {} : { namespaces }),
  });
  const mesh = buildMesh(snapshot);
  const progress = countProgress(context.stderr, 'probing');
  const effects = {
    cluster,
    now: () => clock.now(),
    sleep: (milliseconds: number) => clock.sleep(milliseconds, signal),
    nonce: () => randomUUID().slice(0, 13),
    signal,
    onProgress: progress.update,
  };
  const options = {
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(flags.workload === undefined ? {} : { workload: flags.workload }),
    ...(flags.port === undefined ? {} : { ports: flags.port }),
  };
  try {
    if (flags.probePods !== true) return await verify(mesh, options, effects);
    return await withProbePods(mesh, { namespaces, image: flags.probeImage }, effects, (probes) =>
      verify(mesh, { ...options, probes }, effects),
    );
  } finally {
    await progress.clear();
  }
}

async function render(
  verification: Verification,
  output: VerifyFlags['output'],
  context: Context,
): Promise<string> {
  switch (output) {
    case 'json':
      return `${JSON.stringify(verificationJson(verification), null, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(verificationJson(verification), { aliasDuplicateObjects: false });
    }
    case 'junit':
      return renderVerificationJunit(verification);
    case 'markdown':
      return renderVerificationMarkdown(verification);
    case 'short':
      return renderVerificationShort(verification);
    case 'table':
      return renderVerification(verification, { width: context.stdout.columns, color: context.stdout.color });
  }
}

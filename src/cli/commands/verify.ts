/** `padlock verify`: take a snapshot, probe, judge, print. */

import type { VerifyRow } from '../../evidence/verify/row.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import { renderVerificationJunit } from '../../report/verify/verify-junit.ts';
import { renderVerificationMarkdown } from '../../report/verify/verify-markdown.ts';
import { verificationJson } from '../../report/verify/verify-report.ts';
import { renderVerificationSarif } from '../../report/verify/verify-sarif.ts';
import { renderVerification, renderVerificationShort } from '../../report/verify/verify-text.ts';
import type { Context } from '../context.ts';
import { exitCodeForVerdict, verifyRun } from '../verify-run.ts';
import type { VerifyFlags } from './verify.route.ts';

export default async function verifyCommand(
  this: Context,
  flags: VerifyFlags,
  namespace?: string,
): Promise<void> {
  const { output } = flags;
  // A report that is read by machines says that the run died, and how far it came, instead of being empty.
  const forMachines = output === 'junit' || output === 'sarif';
  if (forMachines) this.finishOnInterrupt();
  const rows: VerifyRow[] = [];
  let verification: Verification;
  try {
    const only = {
      ...(flags.workload === undefined ? {} : { workload: flags.workload }),
      ...(flags.port === undefined ? {} : { ports: flags.port }),
    };
    ({ verification } = await verifyRun(this, flags, namespace, only, (row) => rows.push(row)));
  } catch (error) {
    if (forMachines) {
      const failure = error instanceof Error ? error.message : String(error);
      const render = output === 'junit' ? renderVerificationJunit : renderVerificationSarif;
      await this.stdout.write(render({ rows, failure }));
    }
    throw error;
  }
  await this.stdout.write(await render(verification, flags.output, this));
  this.setExitCode(exitCodeForVerdict(verification.verdict));
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
      return renderVerificationJunit({ rows: verification.rows });
    case 'sarif':
      return renderVerificationSarif({ rows: verification.rows });
    case 'markdown':
      return renderVerificationMarkdown(verification);
    case 'short':
      return renderVerificationShort(verification);
    case 'table': {
      const { columns: width, color } = context.stdout;
      return renderVerification(verification, { width, color });
    }
  }
}

/** `padlock verify`: take a snapshot, probe, judge, print. */
import type { Verification } from '../../evidence/verify/verify.ts';
import { renderVerificationJunit } from '../../report/verify/verify-junit.ts';
import { renderVerificationMarkdown } from '../../report/verify/verify-markdown.ts';
import { verificationJson } from '../../report/verify/verify-report.ts';
import { renderVerification, renderVerificationShort } from '../../report/verify/verify-text.ts';
import type { Context } from '../context.ts';
import { exitCodeForVerdict, verifyRun } from '../verify-run.ts';
import type { VerifyFlags } from './verify.route.ts';

export default async function verifyCommand(
  this: Context,
  flags: VerifyFlags,
  namespace?: string,
): Promise<void> {
  let verification: Verification;
  try {
    ({ verification } = await verifyRun(this, flags, namespace, {
      ...(flags.workload === undefined ? {} : { workload: flags.workload }),
      ...(flags.port === undefined ? {} : { ports: flags.port }),
    }));
  } catch (error) {
    // A report that is read by machines says that the run died, instead of being empty.
    if (flags.output === 'junit') {
      const sentence = error instanceof Error ? error.message : String(error);
      await this.stdout.write(renderVerificationJunit(undefined, sentence));
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
      return renderVerificationJunit(verification);
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

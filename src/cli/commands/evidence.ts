/** `padlock evidence`: verify, read certificates, bundle, sign; and the check of a bundle. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { ExitCode, PadlockError } from '../../errors.ts';
import { readBundle, refuseTaken, writeBundle } from '../../evidence/bundle/bundle-files.ts';
import { type BundleCheck, checkBundle } from '../../evidence/bundle/manifest.ts';
import { certificateInventory } from '../../evidence/certificates/inventory.ts';
import { coverFacts } from '../../evidence/cover-facts.ts';
import { evidenceFiles } from '../../report/evidence/evidence-files.ts';
import { renderVerification } from '../../report/verify/verify-text.ts';
import type { Context } from '../context.ts';
import { exitCodeForVerdict, orInterrupted, verifyRun } from '../verify-run.ts';
import type { EvidenceFlags, EvidenceVerifyFlags } from './evidence.route.ts';

export async function collect(this: Context, flags: EvidenceFlags, namespace?: string): Promise<void> {
  // A key that cannot be read is said before the probes, not after them.
  const signingKey = flags.signWith === undefined ? undefined : await readText(this, flags.signWith);
  await refuseTaken(resolve(this.cwd, flags.output));
  const { verification, mesh, cluster, namespaces } = await verifyRun(this, flags, namespace, {});
  const effects = { cluster, now: () => this.clock.now(), signal: this.signal };
  const inventory = await certificateInventory(mesh, namespaces, effects).catch((error: unknown) => {
    throw orInterrupted(this, error);
  });
  const files = evidenceFiles({
    verification,
    inventory,
    mesh,
    question: questionOf(flags, namespace, verification.namespaces),
    context: cluster.context,
    padlockVersion: packageJson.version,
    cover: await coverFacts(cluster),
    createdAt: new Date(this.clock.now()).toISOString(),
    signingKey,
  });
  await writeBundle(resolve(this.cwd, flags.output), files, this.clock.now());
  const { columns: width, color } = this.stdout;
  await this.stdout.write(renderVerification(verification, { width, color }));
  await this.stdout.write(
    `\nEvidence: ${flags.output}, ${files.length} files${signingKey === undefined ? '' : ', signed'}\n`,
  );
  this.setExitCode(exitCodeForVerdict(verification.verdict));
}

/** The command line that was asked, without what only says where to write. */
function questionOf(
  flags: EvidenceFlags,
  namespace: string | undefined,
  namespaces: readonly string[],
): string {
  const scope = flags.allNamespaces === true ? '-A' : (namespace ?? namespaces.join(' '));
  return `padlock evidence ${scope}${flags.probePods === true ? ` --probe-pods --probe-image ${flags.probeImage}` : ''}`;
}

export async function check(this: Context, flags: EvidenceVerifyFlags, bundle: string): Promise<void> {
  const publicKey = flags.publicKey === undefined ? undefined : await readText(this, flags.publicKey);
  const files = await readBundle(resolve(this.cwd, bundle));
  const result = checkBundle(files, publicKey, bundle);
  const output = flags.output === 'json' ? `${JSON.stringify(result, null, 2)}\n` : checkText(bundle, result);
  await this.stdout.write(output);
  this.setExitCode(result.good ? ExitCode.ok : ExitCode.failed);
}

function checkText(bundle: string, result: BundleCheck): string {
  const { signature } = result;
  const signed =
    signature.kind === 'none'
      ? 'not signed'
      : `${signature.kind === 'good' ? 'signed' : 'NOT signed'} by key ${signature.key.slice(0, 16)}${
          signature.known ? '' : ' (the bundle’s own; give --public-key to know whose it is)'
        }`;
  // A foreign signature says nothing of the files; the bundle's own that does not fit is a change of the manifest.
  const changed = result.problems.length > 0 || (signature.kind === 'bad' && !signature.known);
  const head = result.good ? `${bundle}: unchanged` : `${bundle}: ${changed ? 'CHANGED' : 'NOT PROVEN'}`;
  return `${[`${head}, ${result.files} files of ${result.createdAt}, ${signed}`, ...result.problems.map((one) => `  ${one}`)].join('\n')}\n`;
}

async function readText(context: Context, path: string): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, path), 'utf8');
  } catch (cause) {
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${path}`, { cause });
  }
}

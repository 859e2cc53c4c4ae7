/** `padlock evidence`: verify, read certificates, bundle, sign; and the check of a bundle. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { ExitCode, PadlockError } from '../../errors.ts';
import { readBundle, writeBundle } from '../../evidence/bundle/bundle-files.ts';
import { bundledPosture } from '../../evidence/bundle/bundled-posture.ts';
import { bundleFiles } from '../../evidence/bundle/evidence-bundle.ts';
import { type BundleCheck, checkBundle } from '../../evidence/bundle/manifest.ts';
import { certificateInventory, type Inventory } from '../../evidence/certificates/inventory.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { inventoryCsv } from '../../report/certs-text.ts';
import { renderEvidenceHtml } from '../../report/evidence/evidence-html.ts';
import { verificationJson } from '../../report/verify/verify-report.ts';
import { renderVerification } from '../../report/verify/verify-text.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { asText, dig } from '../../sources/json-value.ts';
import type { Context } from '../context.ts';
import { exitCodeForVerdict, orInterrupted, verifyRun } from '../verify-run.ts';
import type { EvidenceFlags, EvidenceVerifyFlags } from './evidence.route.ts';

export async function collect(this: Context, flags: EvidenceFlags, namespace?: string): Promise<void> {
  // A key that cannot be read is said before the probes, not after them.
  const signingKey = flags.signWith === undefined ? undefined : await readText(this, flags.signWith);
  const { verification, mesh, cluster, namespaces } = await verifyRun(this, flags, namespace, {});
  const effects = { cluster, now: () => this.clock.now(), signal: this.signal };
  const inventory = await certificateInventory(mesh, namespaces, effects).catch((error: unknown) => {
    throw orInterrupted(this, error);
  });
  const files = bundleFiles({
    ...(await contents(flags, namespace, { verification, inventory, mesh, cluster })),
    createdAt: new Date(this.clock.now()).toISOString(),
    version: packageJson.version,
    ...(signingKey === undefined ? {} : { signingKey }),
  });
  await writeBundle(resolve(this.cwd, flags.output), files, this.clock.now());
  const { columns: width, color } = this.stdout;
  await this.stdout.write(renderVerification(verification, { width, color }));
  await this.stdout.write(
    `\nEvidence: ${flags.output}, ${files.length} files${signingKey === undefined ? '' : ', signed'}\n`,
  );
  this.setExitCode(exitCodeForVerdict(verification.verdict));
}

interface Gathered {
  readonly verification: Verification;
  readonly inventory: Inventory;
  readonly mesh: Mesh;
  readonly cluster: Cluster;
}

async function contents(flags: EvidenceFlags, namespace: string | undefined, gathered: Gathered) {
  const { verification, inventory, mesh, cluster } = gathered;
  const scope = flags.allNamespaces === true ? '-A' : (namespace ?? verification.namespaces.join(' '));
  const question = `padlock evidence ${scope}${flags.probePods === true ? ` --probe-pods --probe-image ${flags.probeImage}` : ''}`;
  const facts = {
    verification,
    inventory,
    question,
    padlockVersion: packageJson.version,
    kubernetesVersion: await kubernetesVersion(cluster),
    istioVersions: inventory.istioVersions,
  };
  const { padlockVersion, kubernetesVersion: kubernetes, istioVersions } = facts;
  return {
    reportHtml: renderEvidenceHtml(facts),
    verification: verificationJson(verification),
    certificates: inventory,
    certificatesCsv: inventoryCsv(inventory),
    posture: bundledPosture(mesh, verification.namespaces),
    snapshot: mesh.snapshot,
    about: {
      question,
      context: cluster.context,
      startedAt: verification.startedAt,
      finishedAt: verification.finishedAt,
      padlockVersion,
      kubernetes,
      istioVersions,
      limits: verification.limits,
    },
  };
}

async function kubernetesVersion(cluster: Cluster): Promise<string> {
  const answer = await cluster.raw({ method: 'GET', path: '/version' });
  if (answer.status !== 200) return `not told (HTTP ${answer.status})`;
  return asText(dig(JSON.parse(answer.body), 'gitVersion')) ?? 'not told';
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
  const head = result.good ? `${bundle}: unchanged` : `${bundle}: CHANGED`;
  return `${[`${head}, ${result.files} files of ${result.createdAt}, ${signed}`, ...result.problems.map((one) => `  ${one}`)].join('\n')}\n`;
}

async function readText(context: Context, path: string): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, path), 'utf8');
  } catch (cause) {
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${path}`, { cause });
  }
}

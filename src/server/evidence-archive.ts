/** Makes an evidence bundle and hands it back as one archive: verify, read certificates, bundle. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { bundleFiles } from '../evidence/bundle/evidence-bundle.ts';
import { writeTar } from '../evidence/bundle/tar.ts';
import { certificateInventory } from '../evidence/certificates/inventory.ts';
import { type Verification, verify } from '../evidence/verify/verify.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { posture } from '../mesh/posture.ts';
import { inventoryCsv } from '../report/certs-text.ts';
import { renderEvidenceHtml } from '../report/evidence/evidence-html.ts';
import { verificationJson } from '../report/verify/verify-report.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import { asText, dig } from '../sources/json-value.ts';
import type { Clock } from './cluster-source.ts';

const compress = promisify(gzip);

export interface EvidenceEffects {
  readonly cluster: Cluster;
  readonly clock: Clock;
  nonce(): string;
  readonly signal: AbortSignal;
  readonly version: string;
}

export interface EvidenceArchive {
  readonly archive: Buffer;
  readonly verdict: Verification['verdict'];
  readonly files: number;
}

/** @throws PadlockError what reading and probing throw */
export async function evidenceArchive(
  namespaces: readonly string[] | undefined,
  effects: EvidenceEffects,
): Promise<EvidenceArchive> {
  const { cluster, clock, signal, version } = effects;
  const now = (): number => clock.now();
  const scope = namespaces === undefined ? {} : { namespaces };
  const mesh = buildMesh(await readClusterSnapshot(cluster, { ...scope, signal, now, needsIstio: true }));
  const verification = await verify(mesh, scope, {
    cluster,
    now,
    sleep: (milliseconds) => clock.sleep(milliseconds, signal),
    nonce: () => effects.nonce(),
    signal,
  });
  const inventory = await certificateInventory(mesh, namespaces, { cluster, now, signal });
  const question = `the dashboard's evidence for ${namespaces?.join(', ') ?? 'all namespaces'}`;
  const kubernetesVersion = await versionOf(cluster);
  const { istioVersions } = inventory;
  const created = now();
  const files = bundleFiles({
    reportHtml: renderEvidenceHtml({
      verification,
      inventory,
      question,
      padlockVersion: version,
      kubernetesVersion,
      istioVersions,
    }),
    verification: verificationJson(verification),
    certificates: inventory,
    certificatesCsv: inventoryCsv(inventory),
    posture: posture(mesh, { namespaces: verification.namespaces }),
    snapshot: mesh.snapshot,
    about: {
      question,
      context: cluster.context,
      padlockVersion: version,
      kubernetes: kubernetesVersion,
      istioVersions,
      limits: verification.limits,
    },
    createdAt: new Date(created).toISOString(),
    version,
  });
  const inside = files.map((file) => ({ ...file, path: `padlock-evidence/${file.path}` }));
  const archive = await compress(writeTar(inside, Math.floor(created / 1000)));
  return { archive, verdict: verification.verdict, files: files.length };
}

async function versionOf(cluster: Cluster): Promise<string> {
  const answer = await cluster.raw({ method: 'GET', path: '/version' });
  if (answer.status !== 200) return `not told (HTTP ${answer.status})`;
  return asText(dig(JSON.parse(answer.body), 'gitVersion')) ?? 'not told';
}

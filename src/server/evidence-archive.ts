/** Makes an evidence bundle and hands it back as one archive: verify, read certificates, bundle. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { writeTar } from '../evidence/bundle/tar.ts';
import { certificateInventory } from '../evidence/certificates/inventory.ts';
import { coverFacts } from '../evidence/cover-facts.ts';
import { type Verification, verify } from '../evidence/verify/verify.ts';
import { buildMesh } from '../mesh/mesh.ts';
import { evidenceFiles } from '../report/evidence/evidence-files.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
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
  const created = now();
  const files = evidenceFiles({
    verification,
    inventory,
    mesh,
    question: `the dashboard's evidence for ${namespaces?.join(', ') ?? 'all namespaces'}`,
    context: cluster.context,
    padlockVersion: version,
    cover: await coverFacts(cluster),
    createdAt: new Date(created).toISOString(),
  });
  const inside = files.map((file) => ({ ...file, path: `padlock-evidence/${file.path}` }));
  const archive = await compress(writeTar(inside, Math.floor(created / 1000)));
  return { archive, verdict: verification.verdict, files: files.length };
}

/** The files of an evidence bundle from one run of the proof: what `padlock evidence` writes and the dashboard downloads. */
import { bundledPosture } from '../../evidence/bundle/bundled-posture.ts';
import { bundleFiles } from '../../evidence/bundle/evidence-bundle.ts';
import type { ArchiveFile } from '../../evidence/bundle/tar.ts';
import type { Inventory } from '../../evidence/certificates/inventory.ts';
import type { CoverFacts } from '../../evidence/cover-facts.ts';
import type { Verification } from '../../evidence/verify/verify.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { inventoryCsv } from '../certs-text.ts';
import { savedSnapshotText } from '../saved-snapshot-text.ts';
import { verificationJson } from '../verify/verify-report.ts';
import { renderEvidenceHtml } from './evidence-html.ts';

export interface EvidenceFacts {
  readonly verification: Verification;
  readonly inventory: Inventory;
  readonly mesh: Mesh;
  /** What was asked, in the words of the one who asked. */
  readonly question: string;
  readonly context: string;
  readonly padlockVersion: string;
  readonly cover: CoverFacts;
  /** RFC 3339. */
  readonly createdAt: string;
  /** PEM; signs the manifest where it is given. */
  readonly signingKey?: string | undefined;
}

/** @throws PadlockError `INPUT_INVALID` where the signing key cannot be used */
export function evidenceFiles(facts: EvidenceFacts): readonly ArchiveFile[] {
  const { verification, inventory, mesh, question, padlockVersion, cover, signingKey } = facts;
  const { istioVersions } = inventory;
  return bundleFiles({
    reportHtml: renderEvidenceHtml({
      verification,
      inventory,
      question,
      padlockVersion,
      cover,
      istioVersions,
    }),
    verification: verificationJson(verification),
    certificates: inventory,
    certificatesCsv: inventoryCsv(inventory),
    posture: bundledPosture(mesh, verification.namespaces),
    snapshot: [...savedSnapshotText(mesh.snapshot)].join(''),
    about: {
      question,
      askedBy: cover.askedBy,
      context: facts.context,
      clusterId: cover.clusterId,
      startedAt: verification.startedAt,
      finishedAt: verification.finishedAt,
      padlockVersion,
      kubernetes: cover.kubernetes,
      istioVersions,
      limits: verification.limits,
    },
    createdAt: facts.createdAt,
    version: padlockVersion,
    ...(signingKey === undefined ? {} : { signingKey }),
  });
}

/** What the rows of a verification say about the plan's workloads: the rollout goes on, goes back, or pauses by it. */
import { routesTo } from '../evidence/verify/routes.ts';
import { type VerifyRow, worstVerdict } from '../evidence/verify/row.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { ProofResult, ProofRow, Verdict } from './observer.ts';
import type { Plan, Proof } from './plan.ts';
import { namesRef } from './planner.ts';

/** Plaintext is refused and mutual TLS is accepted with the expected identities: the verdicts of `padlock verify`. */
export function strictProof(plan: Plan, proof: Proof, mesh: Mesh, rows: readonly VerifyRow[]): ProofResult {
  const mine = rows.filter((row) => isAsked(plan, proof, row));
  const shown = mine.map((row) => toProofRow(row, row.judgement.verdict, row.judgement.reason));
  // No mesh client can call a port that no Service leads to, so mutual TLS cannot be shown there: that is no reason to stop.
  const decisive = mine.filter(
    (row) => row.judgement.verdict !== 'INCONCLUSIVE' || !isRefusedAndUnreachable(mesh, row),
  );
  const verdict =
    decisive.length === 0 ? 'PROVEN' : worstVerdict(decisive.map((row) => row.judgement.verdict));
  return { verdict: mine.length === 0 ? 'INCONCLUSIVE' : verdict, rows: shown };
}

/** Mutual TLS is accepted; plaintext may be, as PERMISSIVE says. Ports that no Service leads to are left for STRICT. */
export function permissiveProof(plan: Plan, proof: Proof, rows: readonly VerifyRow[]): ProofResult {
  const shown = rows
    .filter((row) => isAsked(plan, proof, row) && (row.mutualTls !== undefined || row.declared.captured))
    .map((row) => toProofRow(row, ...mutualTlsVerdict(row)));
  const tried = shown.filter((row) => row.verdict !== 'INCONCLUSIVE');
  if (tried.length === 0) return { verdict: 'INCONCLUSIVE', rows: shown };
  return { verdict: worstVerdict(tried.map((row) => row.verdict)), rows: shown };
}

function isAsked(plan: Plan, { workload }: Proof, row: VerifyRow): boolean {
  return workload === undefined
    ? concerns(plan, row.workload)
    : row.workload === `${workload.kind}/${workload.name}`;
}

/** @param workload `Deployment/cart` */
export function concerns(plan: Plan, workload: string): boolean {
  const [kind = '', name = ''] = workload.split('/');
  const ref = { kind, name };
  if (plan.workloads.length > 0) return plan.workloads.some((asked) => namesRef(asked, ref));
  return !plan.leftOut.some((left) => left.workload.kind === kind && left.workload.name === name);
}

function toProofRow(row: VerifyRow, verdict: Verdict, detail: string): ProofRow {
  return { workload: row.workload, port: row.port, verdict, detail };
}

function mutualTlsVerdict(row: VerifyRow): readonly [Verdict, string] {
  const outcome = row.mutualTls?.outcome;
  switch (outcome?.kind) {
    case undefined:
      return ['INCONCLUSIVE', row.mutualTlsMissing ?? 'no probe was possible'];
    case 'accepted':
      return ['PROVEN', `mutual TLS is accepted from ${outcome.client}`];
    case 'wrong-identity':
    case 'plaintext':
    case 'tls-failed':
      return ['FAILED', outcome.detail];
    // A declared port where nothing listens answers nobody; that is not the rollout's doing.
    case 'unavailable':
    case 'unrecorded':
    case 'not-allowed':
    case 'not-run':
      return ['INCONCLUSIVE', outcome.detail];
  }
}

function isRefusedAndUnreachable(mesh: Mesh, row: VerifyRow): boolean {
  const workload = mesh.workloads.find(({ id }) => id === row.workloadId);
  const refused = row.plaintext.length > 0 && row.plaintext.every(({ outcome }) => outcome.kind === 'reset');
  if (!refused || workload === undefined) return false;
  return routesTo(mesh, workload, row.port, mesh.config.clusterDomain).length === 0;
}

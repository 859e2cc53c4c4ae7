/** "Look at it now": one workload as `padlock verify` sees it, its four columns by port, and its certificates. */
import { certificateInventory } from '../evidence/certificates/inventory.ts';
import type { ProbeRecord } from '../evidence/probe/outcome.ts';
import type { VerifyRow } from '../evidence/verify/row.ts';
import { verify } from '../evidence/verify/verify.ts';
import { buildMesh } from '../mesh/mesh.ts';
import {
  configuredWords,
  declaredWords,
  mutualTlsWords,
  observedWords,
  olderPlaintextSentence,
  plaintextWords,
} from '../report/verify/verify-report.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import { certificateView } from './certificates-view.ts';
import type { EvidenceEffects } from './evidence-archive.ts';
import type { ColumnView, ProofRowView, WorkloadProofView } from './wire.ts';

/** As `padlock verify` reads access logs back. */
const lookBackMs = 300_000;

export interface AskedWorkload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/**
 * Reads and probes; writes nothing.
 * @throws PadlockError `WORKLOAD_NOT_FOUND`, and what reading and probing throw
 */
export async function workloadProof(
  { namespace, kind, name }: AskedWorkload,
  { cluster, clock, signal, nonce }: Omit<EvidenceEffects, 'version'>,
): Promise<WorkloadProofView> {
  const now = (): number => clock.now();
  const scope = { namespaces: [namespace] };
  const mesh = buildMesh(await readClusterSnapshot(cluster, { ...scope, signal, now, needsIstio: true }));
  const verification = await verify(
    mesh,
    {
      ...scope,
      workload: `${kind}/${name}`,
      observe: { lookBack: lookBackMs, atLeast: 0 },
      proxyStatus: true,
    },
    { cluster, now, sleep: (milliseconds) => clock.sleep(milliseconds, signal), nonce, signal },
  );
  const inventory = await certificateInventory(
    mesh,
    scope.namespaces,
    { cluster, now, signal },
    (workload) => workload.kind === kind && workload.name === name,
  );
  return {
    at: verification.finishedAt,
    verdict: verification.verdict,
    rows: verification.rows.map(rowView),
    certificates: inventory.entries.flatMap(certificateView),
    unread: inventory.unread.map(({ pod, why }) => ({ pod, why })),
    limits: verification.limits,
  };
}

function rowView(row: VerifyRow): ProofRowView {
  const { verdict, reason, next, disagreements } = row.judgement;
  return {
    port: row.port,
    verdict,
    reason,
    ...(next === undefined ? {} : { next }),
    disagreements: disagreements.map(({ message }) => message).filter((message) => message !== reason),
    columns: {
      declared: { says: declaredWords(row), notes: [] },
      configured: { says: configuredWords(row.configured), notes: configuredNotes(row) },
      observed: { says: observedWords(row), notes: observedNotes(row) },
      proven: {
        says: `plaintext ${plaintextWords(row)}, mutual TLS ${mutualTlsWords(row)}`,
        notes: provenNotes(row),
      },
    },
  };
}

function configuredNotes({ configured, sync }: VerifyRow): ColumnView['notes'] {
  return [
    ...configured.flatMap((pod) =>
      'configured' in pod
        ? []
        : [`${pod.pod}: ${pod.unread}${pod.right === undefined ? '' : `; it needs ${pod.right}`}`],
    ),
    ...sync.flatMap(({ pod, connected, stale }) => {
      if (!connected) return [`${pod}: connected to no istiod`];
      return stale.length === 0 ? [] : [`${pod}: not acknowledged: ${stale.join(', ')}`];
    }),
  ];
}

function observedNotes(row: VerifyRow): ColumnView['notes'] {
  const { observed } = row;
  if (!observed.looked) {
    return [`${observed.why}${observed.right === undefined ? '' : `; it needs ${observed.right}`}`];
  }
  const older = olderPlaintextSentence(row);
  return [
    ...(older === undefined ? [] : [older]),
    ...observed.senders.map(({ name, namespace, count }) => {
      const who = namespace === undefined ? name : `${namespace}/${name}`;
      return `plaintext from ${who}: ${count}`;
    }),
    ...observed.sources,
    ...observed.unseen,
  ];
}

/** How each probe ended, by pod. */
function provenNotes(row: VerifyRow): ColumnView['notes'] {
  const told = (what: string, { outcome }: ProbeRecord<{ readonly detail: string }>, pod?: string): string =>
    `${what}${pod === undefined ? '' : ` to ${pod}`}: ${outcome.detail}`;
  return [
    ...row.plaintext.map((record) => told('plaintext', record, record.pod)),
    ...row.foreignTls.map((record) =>
      told(
        record.outcome.shown === 'none'
          ? 'TLS without a certificate'
          : 'TLS with a certificate that nobody signed',
        record,
        record.pod,
      ),
    ),
    row.mutualTls === undefined
      ? `mutual TLS: ${row.mutualTlsMissing ?? 'not tried'}`
      : told('mutual TLS', row.mutualTls),
  ];
}

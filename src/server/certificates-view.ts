/** The certificates of every proxy, ready for a time line. */
import {
  certificateInventory,
  type Inventory,
  type InventoryEntry,
} from '../evidence/certificates/inventory.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { Source } from './source.ts';
import type { CertificatesView, CertificateView } from './wire.ts';

export interface ReadingEffects {
  readonly cluster: Cluster;
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export async function certificatesView(source: Source, effects: ReadingEffects): Promise<CertificatesView> {
  const inventory = await certificateInventory(source.look.mesh, source.namespaces, effects);
  return {
    takenAt: inventory.takenAt,
    certificates: inventory.entries.flatMap(certificateView),
    roots: rootsOf(inventory),
    findings: inventory.findings.map(({ message }) => message),
    unread: inventory.unread.map(({ pod, why }) => ({ pod, why })),
  };
}

/** As the page gets it; a proxy without a certificate has none. */
export function certificateView(entry: InventoryEntry): readonly CertificateView[] {
  const [leaf] = entry.chain;
  if (leaf === undefined) return [];
  return [
    {
      namespace: entry.namespace,
      workload: entry.workload,
      pod: entry.pod,
      id: leaf.uris[0] ?? '',
      from: leaf.validFrom,
      to: leaf.validTo,
      renewalDue: entry.renewalDue,
      issuer: leaf.issuer,
      key: leaf.key,
      problems: entry.findings.map(({ severity, message }) => ({ severity, text: message })),
    },
  ];
}

function rootsOf({ roots }: Inventory): CertificatesView['roots'] {
  return roots.map(({ root, pods }) => ({
    subject: root.subject,
    from: root.validFrom,
    to: root.validTo,
    fingerprint: root.fingerprint,
    pods: pods.length,
  }));
}

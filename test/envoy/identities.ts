/** Who calls the Envoy under test: certificates of its mesh, of another trust domain, of a stranger's authority, and old ones. */
import { createMeshCa, type WorkloadCertificate } from '../../src/lab/ca/mesh-ca.ts';

export type ClientName = 'nobody' | 'friend' | 'other-domain' | 'other-name' | 'expired' | 'stranger';

export interface Identities {
  /** PEM of the root that the Envoy under test trusts. */
  readonly root: string;
  readonly strangersRoot: string;
  readonly server: WorkloadCertificate;
  /** `nobody` shows no certificate. */
  readonly clients: Readonly<Record<ClientName, WorkloadCertificate | undefined>>;
}

const day = 86_400;

export async function createIdentities(): Promise<Identities> {
  const now = (): number => Date.now();
  const mesh = await createMeshCa({ trustDomain: 'cluster.local', now });
  const strangers = await createMeshCa({ trustDomain: 'cluster.local', now });
  const of = (spiffeId: string) => ({ spiffeId, ttlSeconds: day });
  const friend = of('spiffe://cluster.local/ns/shop/sa/client');
  return {
    root: mesh.trustBundle(),
    strangersRoot: strangers.trustBundle(),
    server: await mesh.issue(of('spiffe://cluster.local/ns/shop/sa/server')),
    clients: {
      nobody: undefined,
      friend: await mesh.issue(friend),
      'other-domain': await mesh.issue(of('spiffe://elsewhere.example/ns/shop/sa/client')),
      'other-name': await mesh.issue(of('https://shop.example/client')),
      expired: await mesh.issue({ ...friend, issuedAt: Date.now() - 2 * day * 1000 }),
      stranger: await strangers.issue(friend),
    },
  };
}

/**
 * The certificates of the lab's API server: its own authority, a serving certificate for 127.0.0.1 and
 * localhost, and the administrator's client certificate.
 */
import { createAuthority, type KeyPem } from './authority.ts';

export interface ApiCertificates {
  /** PEM of the authority's certificate: what a kubeconfig trusts. */
  readonly caCertificate: string;
  readonly server: KeyPem;
  /** `O=system:masters, CN=padlock-lab-admin`. */
  readonly admin: KeyPem;
  /** Signs a client certificate for another user: `CN` is the name, each `O` a group. */
  readonly issueClient: (name: string, groups: readonly string[]) => Promise<KeyPem>;
}

/** Makes an authority and what it signs. `now` dates the certificates: valid from an hour before, for a year. */
export async function createApiCertificates(now: Date): Promise<ApiCertificates> {
  const { caCertificate, issueServer, issueClient } = await createAuthority('padlock-lab-api-ca', now);
  const server = await issueServer('kube-apiserver', {
    ips: ['127.0.0.1', '10.96.0.1'],
    names: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
  });
  const admin = await issueClient('padlock-lab-admin', ['system:masters']);
  return { caCertificate, server, admin, issueClient };
}

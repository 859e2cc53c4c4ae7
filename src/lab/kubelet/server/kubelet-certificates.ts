/**
 * Who may talk to a kubelet of the lab, and how the API server knows it: an authority of their own, which signs one
 * serving and one client certificate. Nobody else holds one, so a verified caller is the API server.
 */
import { createAuthority, type KeyPem } from '../../api/authority.ts';

export interface KubeletCertificates {
  /** For `kube-apiserver --kubelet-certificate-authority`: PEM. */
  readonly caCertificate: string;
  readonly server: KeyPem;
  /** For `kube-apiserver --kubelet-client-certificate` and `--kubelet-client-key`. */
  readonly client: KeyPem;
}

/** @param ips addresses of nodes, beside 127.0.0.1 */
export async function createKubeletCertificates(
  now: Date,
  ips: readonly string[] = [],
): Promise<KubeletCertificates> {
  const { caCertificate, issueServer, issueClient } = await createAuthority('padlock-lab-kubelet-ca', now);
  const [server, client] = await Promise.all([
    issueServer('kubelet', { ips: ['127.0.0.1', ...ips], names: ['localhost'] }),
    issueClient('kube-apiserver-kubelet-client', []),
  ]);
  return { caCertificate, server, client };
}

/** A kubeconfig for the lab: one cluster, one user, one context. */
import { stringify } from 'yaml';
import type { KeyPem } from './api/authority.ts';

export interface KubeconfigFacts {
  /** Cluster, user and context are called this. */
  readonly name: string;
  readonly server: string;
  readonly caCertificate: string;
  readonly user: KeyPem;
}

export interface KubeconfigParts {
  readonly cluster: object;
  readonly user: object;
  readonly context: object;
}

/** The three entries that another kubeconfig may take over. They hold a private key. */
export function kubeconfigParts({ name, server, caCertificate, user }: KubeconfigFacts): KubeconfigParts {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    cluster: { name, cluster: { server, 'certificate-authority-data': base64(caCertificate) } },
    user: {
      name,
      user: {
        'client-certificate-data': base64(user.certificate),
        'client-key-data': base64(user.key),
      },
    },
    context: { name, context: { cluster: name, user: name } },
  };
}

/** The file's text. */
export function kubeconfigText(facts: KubeconfigFacts): string {
  const { cluster, user, context } = kubeconfigParts(facts);
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': facts.name,
      clusters: [cluster],
      users: [user],
      contexts: [context],
      preferences: {},
    },
    { lineWidth: 0 },
  );
}

/** What the mesh really does, by real connections: what each port takes, and what each client's calls come to. */

import type { Cluster } from '../../src/sources/cluster.ts';
import { issue, meshAuthority, strangeAuthority } from './mesh-certificate.ts';

export interface PortTruth {
  readonly plaintext: boolean;
  readonly mtls: boolean;
  /** TLS without a certificate, and with one of an authority that nobody trusts. */
  readonly withoutCertificate: boolean;
  readonly strange: boolean;
}

export interface PortAsked {
  readonly ip: string;
  readonly port: number;
}

interface Outcome {
  readonly outcome: 'answered' | 'refused' | 'silent';
  readonly detail: string;
}

export class Truth {
  readonly #cluster: Cluster;
  readonly #outside: { readonly namespace: string; readonly pod: string };
  readonly #certificates: Promise<readonly [Certificate, Certificate]>;

  /** @param outside a pod outside the mesh with the image `curl` */
  constructor(cluster: Cluster, outside: { readonly namespace: string; readonly pod: string }) {
    this.#cluster = cluster;
    this.#outside = outside;
    const id = 'spiffe://cluster.local/ns/shop/sa/web';
    this.#certificates = Promise.all([
      meshAuthority(cluster).then((authority) => issue(authority, id)),
      strangeAuthority().then((authority) => issue(authority, id)),
    ]);
  }

  async ports(asked: readonly PortAsked[]): Promise<readonly PortTruth[]> {
    const [own, strange] = await this.#certificates;
    const probes = asked.flatMap(({ ip: host, port }) => [
      { kind: 'plaintext', host, port },
      { kind: 'tls', host, port, ...own },
      { kind: 'tls', host, port },
      { kind: 'tls', host, port, ...strange },
    ]);
    const outcomes = await this.#probe(probes);
    const answered = (index: number): boolean => outcomes[index]?.outcome === 'answered';
    return asked.map((_, index) => ({
      plaintext: answered(index * 4),
      mtls: answered(index * 4 + 1),
      withoutCertificate: answered(index * 4 + 2),
      strange: answered(index * 4 + 3),
    }));
  }

  /** A call by the client's own application, through its sidecar where it has one. */
  async call(
    client: { readonly namespace: string; readonly pod: string },
    host: string,
    port: number,
  ): Promise<'mtls' | 'plaintext' | 'refused'> {
    const command = ['curl', '-s', '-m', '5', `http://${host}:${port}/`];
    const { stdout } = await this.#cluster.exec(client.namespace, client.pod, command, { container: 'curl' });
    // The application answers with the headers that it was sent; anything else is the sidecar's excuse.
    if (!stdout.startsWith('{')) return 'refused';
    return stdout.includes('x-forwarded-client-cert') ? 'mtls' : 'plaintext';
  }

  async #probe(probes: readonly object[]): Promise<readonly Outcome[]> {
    const { namespace, pod } = this.#outside;
    const command = ['node', '/usr/local/lib/probe.mjs', JSON.stringify(probes)];
    const { stdout, stderr, exitCode } = await this.#cluster.exec(namespace, pod, command);
    if (exitCode !== 0) throw new Error(`probe ended with ${exitCode}: ${stderr}`);
    return JSON.parse(stdout);
  }
}

type Certificate = { readonly cert: string; readonly key: string };

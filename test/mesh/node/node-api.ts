/** What the node asks of the API server, in its own few words. */
import type { KubeObject } from '../../../src/istio/kubernetes.ts';
import type { PodObject, PodStatus } from '../../../src/lab/kinds/pod.ts';
import type { Cluster, ResourceType, WatchEvent } from '../../../src/sources/cluster.ts';
import { asText, dig } from '../../../src/sources/json-value.ts';

const core = (plural: string): ResourceType => ({ group: '', version: 'v1', plural, namespaced: true });

export class NodeApi {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get(plural: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.#cluster.get(core(plural), namespace, name);
  }

  /** A token for the pod's service account, bound to the pod. */
  async token(pod: PodObject, audience: string | undefined, seconds: number): Promise<string> {
    const { namespace, name, uid } = pod.metadata;
    const answer = await this.#cluster.raw({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName ?? 'default'}/token`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          ...(audience === undefined ? {} : { audiences: [audience] }),
          expirationSeconds: seconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      }),
    });
    const token = answer.status === 201 ? asText(dig(JSON.parse(answer.body), 'status', 'token')) : undefined;
    if (token === undefined) throw new Error(`no token for ${namespace}/${name}: ${answer.body}`);
    return token;
  }

  async bind(pod: PodObject, node: string): Promise<void> {
    await this.#write('POST', `${podPath(pod)}/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod.metadata.name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
  }

  async writeStatus(pod: PodObject, status: PodStatus): Promise<void> {
    const { uid } = pod.metadata;
    await this.#write('PATCH', `${podPath(pod)}/status`, { metadata: { uid }, status });
  }

  async remove(pod: PodObject): Promise<void> {
    const { uid } = pod.metadata;
    await this.#write('DELETE', podPath(pod), { gracePeriodSeconds: 0, preconditions: { uid } });
  }

  /** Creates the object, or leaves one that is there. */
  async create(path: string, object: unknown): Promise<void> {
    await this.#write('POST', path, object);
  }

  async patch(path: string, change: unknown): Promise<void> {
    await this.#write('PATCH', path, change);
  }

  /** Everything that is there, then each change, until the signal ends it; survives a restart of the API server. */
  async *changes(type: ResourceType, signal: AbortSignal): AsyncGenerator<readonly WatchEvent[]> {
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.#cluster.list(type, { signal });
        yield items.map((object) => ({ type: 'ADDED', object }));
        for await (const event of this.#cluster.watch(type, resourceVersion, { signal })) {
          if (event.type === 'ERROR') break;
          yield [event];
        }
      } catch (error) {
        if (signal.aborted) return;
        const pause = new Promise((resolve) => setTimeout(resolve, 200));
        if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('CLUSTER_')))
          throw error;
        await pause;
      }
    }
  }

  /** A conflict and an object that is gone are the ordinary course of things: the next event tells what holds. */
  async #write(method: 'POST' | 'PATCH' | 'DELETE', path: string, body: unknown): Promise<void> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await this.#cluster.raw({
      method,
      path,
      headers: { 'content-type': type },
      body: JSON.stringify(body),
    });
    if (answer.status >= 300 && answer.status !== 404 && answer.status !== 409) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    }
  }
}

function podPath(pod: PodObject): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

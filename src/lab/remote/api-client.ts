/** What the lab's parts need of a client of another API server. */
import type { KubeObject } from '../../istio/kubernetes.ts';

export interface RemoteType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export type RemoteEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly status: unknown };

/** Reads throw where the API server does not answer, or refuses. */
export interface ApiClient {
  list(
    type: RemoteType,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly items: readonly KubeObject[]; readonly resourceVersion: string }>;
  watch(
    type: RemoteType,
    resourceVersion: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<RemoteEvent>;
  /** Throws where nothing answers; hands every HTTP status back. */
  raw(request: {
    readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly status: number; readonly body: string }>;
}

const clusterWide: ReadonlySet<string> = new Set(['namespaces', 'nodes', 'mutatingwebhookconfigurations']);

/** Reads kubectl's notation: `pods`, `deployments.apps`. All that the lab's parts read is served as v1. */
export function remoteType(resource: string): RemoteType {
  const [plural = '', ...group] = resource.split('.');
  return { group: group.join('.'), version: 'v1', plural, namespaced: !clusterWide.has(plural) };
}

/** The path of a resource's objects, or of one object. */
export function remotePath(resource: string, namespace: string | undefined, name?: string): string {
  const { group, version, plural, namespaced } = remoteType(resource);
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${place}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

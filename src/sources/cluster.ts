/**
 * The port through which Padlock talks to a Kubernetes API server. Everything that reads or writes a cluster
 * goes through these few methods, so that every test can stand in for them and every right that is used can be listed.
 */
import type { Duplex } from 'node:stream';
import type { KubeObject } from '../istio/kubernetes.ts';

/** One kind of resource, in the API's own words. */
export interface ResourceType {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  /** The plural as it stands in the URL: `peerauthentications`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal?: AbortSignal;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly status: unknown };

export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query below the server's address, already encoded: `/api/v1/namespaces/a/pods/b:80/proxy/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /**
   * When it is sent again. Absent: where the API server asks for it (429, or 5xx with Retry-After), and a GET also where its
   * connection was reset. `read`: after any 5xx too, for a request that does the same when it is sent twice. `none`: never,
   * for a caller with tries of its own. What a pod answers through the pod proxy is never a reason.
   */
  readonly retry?: 'read' | 'none';
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The command's own exit code; the API server's refusal to run it is thrown instead. */
  readonly exitCode: number;
}

export interface ExecOptions {
  readonly container?: string;
  readonly signal?: AbortSignal;
  /** Bytes of output after which the call fails instead of growing: 64 MiB when absent. */
  readonly maxOutput?: number;
}

/** Errors: each method throws `PadlockError` with a `CLUSTER_*` code; only `raw` hands HTTP statuses back. */
export interface Cluster {
  /** The kubeconfig context's name: what a person calls this cluster. */
  readonly context: string;
  /** The namespace that the kubeconfig's context names. */
  readonly defaultNamespace?: string | undefined;
  /** All pages of a list, in chunks of 500. */
  list(
    type: ResourceType,
    options?: ListOptions,
  ): Promise<{ items: readonly KubeObject[]; resourceVersion: string }>;
  /** Undefined when the API server answers 404 for the object. */
  get(type: ResourceType, namespace: string | undefined, name: string): Promise<KubeObject | undefined>;
  /** Events after `resourceVersion`, until the signal ends it or the server closes; 410 Gone arrives as an ERROR event. */
  watch(type: ResourceType, resourceVersion: string, options?: ListOptions): AsyncIterable<WatchEvent>;
  /** Any other request: writes, subresources, pod proxy, discovery, access reviews. Never throws on an HTTP status. */
  raw(request: RawRequest): Promise<RawResponse>;
  exec(
    namespace: string,
    pod: string,
    command: readonly string[],
    options?: ExecOptions,
  ): Promise<ExecResult>;
  /** A byte stream to a port on the pod's own loopback, by the port-forward subresource. */
  portForward(namespace: string, pod: string, port: number, signal?: AbortSignal): Promise<Duplex>;
}

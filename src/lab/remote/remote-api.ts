/**
 * The lab's view of another API server. Reads are answered from a mirror, as informers do it; writes are seen in the
 * mirror at once and sent in order. So the lab's kubelet, network and istiod need not know whose objects they are.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { AdmissionPlugin, Api, Change, ListFilter } from '../api/api.ts';
import { objectKey } from '../api/engine/engine.ts';
import { listStore, watchStore } from '../api/store-reads.ts';
import { Store } from '../store/store.ts';
import { type ApiClient, remotePath } from './api-client.ts';
import { forget, putNewer, startMirror } from './mirror.ts';
import { WriteQueue } from './write-queue.ts';

export interface RemoteApiOptions {
  readonly client: ApiClient;
  /** What is mirrored, in kubectl's notation; nothing else can be read. */
  readonly resources: readonly string[];
  readonly onProblem: (sentence: string, error: unknown) => void;
}

interface Sent {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body: unknown;
  readonly type?: string;
}

/** Starts the mirror. Rejects where the API server cannot be read. */
export async function startRemoteApi(options: RemoteApiOptions): Promise<RemoteApi> {
  const api = new RemoteApi(options);
  try {
    await api.start();
  } catch (error) {
    await api.close();
    throw error;
  }
  return api;
}

export class RemoteApi implements Api {
  readonly #options: RemoteApiOptions;
  readonly #store = new Store<KubeObject>({ history: 1 });
  readonly #closing = new AbortController();
  readonly #writes = new WriteQueue(this.#closing.signal);
  readonly #plugins: AdmissionPlugin[] = [];
  /** Status that is written and not answered yet, by resource and key. */
  readonly #unanswered = new Map<string, unknown>();
  #mirrors: readonly Promise<void>[] = [];

  constructor(options: RemoteApiOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { client, resources, onProblem } = this.#options;
    const mirrors = resources.map((resource) =>
      startMirror({
        client,
        store: this.#store,
        resource,
        signal: this.#closing.signal,
        overlay: (name, object) => this.#withUnanswered(name, object),
        onProblem,
      }),
    );
    this.#mirrors = (await Promise.all(mirrors)).map(({ ended }) => ended);
  }

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#store.get(resource, objectKey(namespace, name));
  }

  list(resource: string, filter?: ListFilter): readonly KubeObject[] {
    return listStore(this.#store, resource, filter);
  }

  create(resource: string, object: KubeObject, manager: string): KubeObject {
    const { namespace, name } = object.metadata;
    this.#store.put(resource, objectKey(namespace, name), () => object);
    const path = `${remotePath(resource, namespace)}?fieldManager=${encodeURIComponent(manager)}`;
    return this.#send(resource, object, 'create', { method: 'POST', path, body: object });
  }

  update(resource: string, object: KubeObject, manager: string): KubeObject {
    const { namespace, name } = object.metadata;
    this.#store.put(resource, objectKey(namespace, name), () => object);
    const path = `${remotePath(resource, namespace, name)}?fieldManager=${encodeURIComponent(manager)}`;
    return this.#send(resource, object, 'update', { method: 'PUT', path, body: object });
  }

  /** Sent as a strategic merge patch, as a kubelet sends it: conditions of others stay. */
  updateStatus(resource: string, object: KubeObject, manager: string): KubeObject {
    const { namespace, name, uid } = object.metadata;
    this.#store.put(resource, objectKey(namespace, name), () => object);
    this.#unanswered.set(labelOf(resource, object), object.status);
    return this.#send(resource, object, 'status', {
      method: 'PATCH',
      path: `${remotePath(resource, namespace, name)}/status?fieldManager=${encodeURIComponent(manager)}`,
      body: { metadata: { uid }, status: object.status },
      type: 'application/strategic-merge-patch+json',
    });
  }

  updateSubresource(
    resource: string,
    subresource: 'finalize' | 'binding',
    object: KubeObject,
    manager: string,
  ): KubeObject {
    const { namespace, name } = object.metadata;
    const path = `${remotePath(resource, namespace, name)}/${subresource}?fieldManager=${encodeURIComponent(manager)}`;
    const method = subresource === 'binding' ? 'POST' : 'PUT';
    return this.#send(resource, object, subresource, { method, path, body: object });
  }

  delete(
    resource: string,
    namespace: string | undefined,
    name: string,
    options: { readonly force?: boolean } = {},
  ): void {
    const object = this.get(resource, namespace, name);
    if (object === undefined) return;
    this.#send(resource, object, 'delete', {
      method: 'DELETE',
      path: remotePath(resource, namespace, name),
      body: {
        preconditions: { uid: object.metadata.uid },
        ...(options.force === true ? { gracePeriodSeconds: 0 } : {}),
      },
    });
  }

  watch(
    resources: readonly string[],
    listener: (change: Change) => void,
    options?: { readonly initial?: boolean },
  ): () => void {
    const unknown = resources.filter((resource) => !this.#options.resources.includes(resource));
    if (unknown.length > 0) throw new Error(`not mirrored: ${unknown.join(', ')}`);
    return watchStore(this.#store, resources, listener, options);
  }

  addAdmission(plugin: AdmissionPlugin): void {
    this.#plugins.push(plugin);
  }

  /** What a mutating webhook of the API server is to answer with. */
  readonly admit: AdmissionPlugin = (request) =>
    this.#plugins.reduce((object, plugin) => plugin({ ...request, object }), request.object);

  /** Resolves when every write so far is answered. */
  written(): Promise<void> {
    return this.#writes.idle();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#writes.idle(), ...this.#mirrors]);
  }

  #send(resource: string, object: KubeObject, kind: string, sent: Sent): KubeObject {
    this.#writes.add(labelOf(resource, object), {
      kind,
      run: () => this.#once(resource, object, sent),
    });
    return object;
  }

  /** @returns false where it is to be sent again. */
  async #once(resource: string, object: KubeObject, sent: Sent): Promise<boolean> {
    const { client, onProblem } = this.#options;
    const { status, body } = await client.raw({
      method: sent.method,
      path: sent.path,
      headers: { 'content-type': sent.type ?? 'application/json' },
      body: JSON.stringify(sent.body),
      signal: this.#closing.signal,
    });
    if (status === 429 || status >= 500) return false;
    const label = labelOf(resource, object);
    if (this.#unanswered.get(label) === object.status) this.#unanswered.delete(label);
    if (status < 300) this.#answered(resource, object, JSON.parse(body));
    else {
      if (!isEverydayLife(status, body)) onProblem(`${sent.method} ${sent.path}: ${status}`, body);
      await this.#lookAgain(resource, object);
    }
    return true;
  }

  /** Bindings and deletions answer with a Status; the watch tells the rest. */
  #answered(resource: string, object: KubeObject, answer: KubeObject): void {
    if (answer.kind === object.kind && answer.metadata.name === object.metadata.name)
      putNewer(this.#store, resource, this.#withUnanswered(resource, answer));
  }

  /** A write was refused: the mirror goes back to what the server holds. */
  async #lookAgain(resource: string, object: KubeObject): Promise<void> {
    const { namespace, name } = object.metadata;
    const path = remotePath(resource, namespace, name);
    const { status, body } = await this.#options.client.raw({
      method: 'GET',
      path,
      signal: this.#closing.signal,
    });
    if (status === 404) forget(this.#store, resource, object);
    else if (status === 200) {
      const held: KubeObject = JSON.parse(body);
      this.#store.put(resource, objectKey(namespace, name), () => held);
    }
  }

  #withUnanswered(resource: string, object: KubeObject): KubeObject {
    const status = this.#unanswered.get(labelOf(resource, object));
    return status === undefined ? object : { ...object, status };
  }
}

function labelOf(resource: string, { metadata }: KubeObject): string {
  return `${resource} ${metadata.namespace ?? ''}/${metadata.name} ${metadata.uid ?? ''}`;
}

/** The object has changed, is gone, or was there already; or its namespace is on its way out. */
function isEverydayLife(status: number, body: string): boolean {
  return status === 404 || status === 409 || (status === 403 && body.includes('is being terminated'));
}

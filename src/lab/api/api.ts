/**
 * The door of the lab's API server for the lab's own parts (controllers, kubelet, istiod): the same registry,
 * defaulting, validation, admission and watch that HTTP clients get, without the HTTP.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';

/** kubectl's notation for a resource: `pods`, `deployments.apps`, `peerauthentications.security.istio.io`. */
export type ResourceName = string;

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly resource: ResourceName;
  readonly type: ChangeType;
  readonly object: KubeObject;
  /** The object before the change, for MODIFIED and DELETED. */
  readonly previous?: KubeObject;
}

export interface ListFilter {
  readonly namespace?: string;
  /** All of these labels, exactly. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: ResourceName;
  readonly namespace: string | undefined;
  readonly object: KubeObject;
  readonly previous?: KubeObject;
  readonly dryRun: boolean;
}

/** A mutating admission plug-in: returns the object to go on with (the same one where nothing is to do), or throws an `ApiStatus`. */
export type AdmissionPlugin = (request: AdmissionRequest) => KubeObject;

/**
 * Writes throw `ApiStatus` (see `status.ts`) with the reason the real API server would give: NotFound,
 * AlreadyExists, Conflict, Invalid. All calls are synchronous: one process, one store.
 */
export interface Api {
  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined;
  list(resource: ResourceName, filter?: ListFilter): readonly KubeObject[];
  /** `manager` is recorded as the field manager: `kube-controller-manager`, `kubelet`. */
  create(resource: ResourceName, object: KubeObject, manager: string): KubeObject;
  /** Conflict where the object carries a resourceVersion that is no longer the newest. */
  update(resource: ResourceName, object: KubeObject, manager: string): KubeObject;
  /** Writes `status` alone. */
  updateStatus(resource: ResourceName, object: KubeObject, manager: string): KubeObject;
  /**
   * Writes through another subresource: `finalize` (namespaces: the only way to remove `spec.finalizers`) and
   * `binding` (pods: the body is a Binding, whose `target.name` is the node).
   */
  updateSubresource(
    resource: ResourceName,
    subresource: 'finalize' | 'binding',
    object: KubeObject,
    manager: string,
  ): KubeObject;
  /** Honours finalizers and grace: an object with finalizers gets a deletionTimestamp instead. */
  delete(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    options?: { readonly force?: boolean },
  ): void;
  /** Calls the listener after each commit, in order, in a microtask of its own; returns the unsubscribing function. `initial` sends what exists as ADDED first. */
  watch(
    resources: readonly ResourceName[],
    listener: (change: Change) => void,
    options?: { readonly initial?: boolean },
  ): () => void;
  addAdmission(plugin: AdmissionPlugin): void;
}

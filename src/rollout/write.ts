/** The writes of a rollout as data, and how each becomes one request. `--dry-run` prints them, `carry-out.ts` sends them. */

import { PadlockError } from '../errors.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../istio/kubernetes.ts';
import type { RawRequest, ResourceType } from '../sources/cluster.ts';
import { resourcePath } from '../sources/kube/resource-path.ts';

/** The name under which server-side apply records which fields are Padlock's. */
export const fieldManager = 'padlock';

/**
 * `apply` is server-side apply: the manifest holds the fields that Padlock wants and nothing else, so that a repeated
 * write changes nothing, and a field that a later manifest leaves out is taken back.
 */
export type Write =
  | { readonly kind: 'apply'; readonly manifest: KubeObject }
  | { readonly kind: 'delete'; readonly manifest: KubeObject }
  /** A JSON merge patch (RFC 7396): `null` takes a field out that an apply would leave behind empty. Only for the way back. */
  | { readonly kind: 'merge'; readonly manifest: KubeObject };

/** Every kind that a rollout may write. Nothing else is ever written. */
const writtenKinds: Readonly<Record<string, ResourceType>> = {
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  ConfigMap: { group: '', version: 'v1', plural: 'configmaps', namespaced: true },
  Lease: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespaced: true },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets', namespaced: true },
  DaemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets', namespaced: true },
  PeerAuthentication: {
    group: 'security.istio.io',
    version: 'v1',
    plural: 'peerauthentications',
    namespaced: true,
  },
  DestinationRule: {
    group: 'networking.istio.io',
    version: 'v1',
    plural: 'destinationrules',
    namespaced: true,
  },
};

/** @returns the resource of a kind that a rollout writes. Any other kind is a bug of the planner. */
export function resourceOf(kind: string): ResourceType {
  const resource = writtenKinds[kind];
  if (resource === undefined) throw new Error(`a rollout does not write ${kind}`);
  return resource;
}

/** @returns `security.istio.io/v1`. */
export function apiVersionOf(resource: ResourceType): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

export function refOf(manifest: KubeObject): ObjectRef {
  const { namespace, name } = manifest.metadata;
  return { kind: manifest.kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** @returns `apply PeerAuthentication shop/default`. */
export function describeWrite(write: Write): string {
  return `${write.kind} ${formatRef(refOf(write.manifest))}`;
}

/**
 * @param dryRun the API server judges the write and keeps nothing (`dryRun=All`)
 * @returns the request; forced, because the record has what stood before and preflight has named other owners
 */
export function requestFor(write: Write, dryRun = false): RawRequest {
  const { metadata, kind } = write.manifest;
  const path = resourcePath(resourceOf(kind), metadata.namespace, metadata.name);
  const dry = dryRun ? 'dryRun=All' : '';
  if (write.kind === 'delete') {
    return { method: 'DELETE', path: dry === '' ? path : `${path}?${dry}` };
  }
  if (write.kind === 'merge') {
    return {
      method: 'PATCH',
      path: `${path}?${[`fieldManager=${fieldManager}`, dry].filter((part) => part !== '').join('&')}`,
      headers: { 'content-type': 'application/merge-patch+json', accept: 'application/json' },
      body: JSON.stringify({ spec: write.manifest.spec }),
    };
  }
  const query = [`fieldManager=${fieldManager}`, 'force=true', dry].filter((part) => part !== '').join('&');
  return {
    method: 'PATCH',
    path: `${path}?${query}`,
    headers: { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' },
    // JSON is YAML; the server reads both.
    body: JSON.stringify(write.manifest),
  };
}

/**
 * Judges the API server's answer to a write.
 * @returns nothing where the write stands: also where what was to be deleted is gone
 * @throws PadlockError `CLUSTER_*` with the API server's own message
 */
export function judgeAnswer(write: Write, status: number, message: string): void {
  if (status < 300 || (write.kind === 'delete' && status === 404)) return;
  const sentence = `cannot ${describeWrite(write)}: ${message === '' ? `HTTP ${status}` : message}`;
  if (status === 403) {
    throw new PadlockError('CLUSTER_FORBIDDEN', sentence, {
      hint: '`padlock rbac NAMESPACE --for secure` prints the rules that a rollout needs',
    });
  }
  if (status === 404) throw new PadlockError('CLUSTER_NOT_FOUND', sentence);
  if (status === 409) throw new PadlockError('CLUSTER_CONFLICT', sentence);
  if (status === 400 || status === 422) throw new PadlockError('CLUSTER_INVALID', sentence);
  throw new PadlockError('CLUSTER_REQUEST_FAILED', sentence);
}

/** Too many requests, or a server that may be better in a moment (RFC 9110, RFC 6585). */
export function mayRetry(status: number): boolean {
  return status === 429 || status === 500 || status === 502 || status === 503 || status === 504;
}

/** What every write goes through, held together: the store, the registry, admission and the sources of time and chance. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Store } from '../../store/store.ts';
import type { AdmissionPlugin } from '../api.ts';
import { type JsonObject, stringAt } from '../json.ts';
import type { User } from '../rbac/user.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resource, StrategyContext } from '../registry/resource.ts';
import { notFound, qualified } from '../status.ts';
import { Allocator } from './allocator.ts';
import type { Effects } from './effects.ts';

export interface Engine {
  readonly store: Store<KubeObject>;
  readonly registry: Registry;
  readonly effects: Effects;
  readonly strategyContext: StrategyContext;
  /** The API server's own plug-ins, asked first, and again where one of the others changed the object. */
  readonly ownAdmission: AdmissionPlugin[];
  /** Plug-ins of the lab's other parts, in the order in which they were added: mutating webhooks, so to speak. */
  readonly admission: AdmissionPlugin[];
}

export interface WriteOptions {
  /** The field manager: who is recorded in `metadata.managedFields`. */
  readonly manager: string;
  /** The version that the client wrote in; the storage version where absent. */
  readonly version?: string;
  readonly dryRun?: boolean;
  /** `status`, `scale`, ...: recorded with the manager, and for `status` what is taken from the body. */
  readonly subresource?: string;
  /** Looks at what is about to be written; throws an `ApiStatus` to refuse it. */
  readonly check?: (object: JsonObject) => void;
  /** A server-side apply: the object carries its managers already. */
  readonly applied?: boolean;
  /** Who asks; absent for the lab's own parts. */
  readonly user?: User;
  /** Takes what the answer's `Warning:` headers are to say. */
  readonly onWarning?: (sentence: string) => void;
}

export function createEngine(store: Store<KubeObject>, registry: Registry, effects: Effects): Engine {
  const allocator = new Allocator(() => store.list('services').map((entry) => entry.object), effects);
  return {
    store,
    registry,
    effects,
    ownAdmission: [],
    admission: [],
    strategyContext: {
      now: effects.now,
      allocateClusterIP: (wanted, service) => allocator.clusterIP(wanted, service),
      allocateNodePort: (wanted, service) => allocator.nodePort(wanted, service),
    },
  };
}

/** The key of an object within its resource: `NAMESPACE/NAME`, or the name. */
export function objectKey(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** @throws ApiStatus NotFound */
export function mustGet(
  engine: Engine,
  resource: Resource,
  namespace: string | undefined,
  name: string,
): KubeObject {
  const found = engine.store.get(qualified(resource), objectKey(namespace, name));
  if (found === undefined) throw notFound(resource, name);
  return found;
}

/** Fields that are null say nothing: Go's decoder drops them, and so does this, all the way down. */
export function dropNulls(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object: JsonObject = Object.assign(value);
  for (const [field, item] of Object.entries(object)) {
    if (item === null || item === undefined) delete object[field];
    else dropNulls(item);
  }
}

export function namespaceOf(metadata: JsonObject | undefined): string | undefined {
  const namespace = stringAt(metadata, 'namespace');
  return namespace === '' ? undefined : namespace;
}

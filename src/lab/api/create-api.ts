/** Makes the lab's API without HTTP: an empty store, the built-in kinds, Istio's CRDs, and the objects of a new cluster. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { Store, type StoredObject, type StoreEvent } from '../store/store.ts';
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts';
import { podAdmission } from './admission/pod-admission.ts';
import type { AdmissionPlugin, Api, Change, ListFilter } from './api.ts';
import { bootstrap } from './bootstrap.ts';
import { createObject } from './engine/create.ts';
import { deleteObject } from './engine/delete.ts';
import { type Effects, systemEffects } from './engine/effects.ts';
import { createEngine, type Engine, objectKey } from './engine/engine.ts';
import { bindPod, finalizeNamespace } from './engine/subresources.ts';
import { updateObject } from './engine/update.ts';
import { draftOf, freezeJson, objectAt, stringAt } from './json.ts';
import { Registry } from './registry/registry.ts';
import type { Resource } from './registry/resource.ts';
import { notFound } from './status.ts';
import { listStore, watchStore } from './store-reads.ts';

export interface ApiOptions {
  /** Events kept for watchers that start in the past: 10,000 where absent. */
  readonly history?: number;
  readonly effects?: Effects;
  /** What an earlier API held, and who writes down what changes. */
  readonly kept?: {
    readonly revision: number | undefined;
    readonly objects: readonly StoredObject<KubeObject>[];
    readonly append: (event: StoreEvent<KubeObject>) => void;
  };
}

/** The in-process API together with what its HTTP server needs. */
export interface LabApi extends Api {
  readonly engine: Engine;
}

/** Starts an API with the objects of a new cluster in it. */
export function createApi(options: ApiOptions = {}): LabApi {
  const { kept, history } = options;
  const store = new Store<KubeObject>({
    ...(history === undefined ? {} : { history }),
    ...(kept === undefined ? {} : { keep: (event: StoreEvent<KubeObject>) => kept.append(event) }),
    ...(kept?.revision === undefined
      ? {}
      : { restored: { revision: kept.revision, objects: kept.objects.map((one) => frozen(one)) } }),
  });
  const registry = new Registry();
  const engine = createEngine(store, registry, options.effects ?? systemEffects);
  for (const { object } of store.list(crds)) registry.addCrd(draftOf(object));
  store.subscribe((event) => serveCrds(registry, event));
  engine.ownAdmission.push(namespaceLifecycle(engine), podAdmission(engine));
  bootstrap(engine);
  return new InProcessApi(engine);
}

/** What is stored is never changed in place. */
function frozen(stored: StoredObject<KubeObject>): StoredObject<KubeObject> {
  return { ...stored, object: freezeJson(stored.object) };
}

const crds = 'customresourcedefinitions.apiextensions.k8s.io';

function serveCrds(registry: Registry, event: StoreEvent<KubeObject>): void {
  if (event.resource !== crds) return;
  if (event.type !== 'DELETED') {
    registry.addCrd(draftOf(event.object));
    return;
  }
  const spec = objectAt(draftOf(event.object), 'spec');
  registry.removeCrd({
    group: stringAt(spec, 'group') ?? '',
    resource: stringAt(objectAt(spec, 'names'), 'plural') ?? '',
  });
}

class InProcessApi implements LabApi {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.engine.store.get(resource, objectKey(namespace, name));
  }

  list(resource: string, filter: ListFilter = {}): readonly KubeObject[] {
    return listStore(this.engine.store, resource, filter);
  }

  create(resource: string, object: KubeObject, manager: string): KubeObject {
    return createObject(this.engine, this.#resource(resource), draftOf(object), { manager });
  }

  update(resource: string, object: KubeObject, manager: string): KubeObject {
    const { namespace, name } = object.metadata;
    return updateObject(this.engine, this.#resource(resource), namespace, name, () => draftOf(object), {
      manager,
    });
  }

  updateStatus(resource: string, object: KubeObject, manager: string): KubeObject {
    const { namespace, name } = object.metadata;
    const options = { manager, subresource: 'status' };
    return updateObject(
      this.engine,
      this.#resource(resource),
      namespace,
      name,
      () => draftOf(object),
      options,
    );
  }

  updateSubresource(
    resource: string,
    subresource: 'finalize' | 'binding',
    object: KubeObject,
    manager: string,
  ): KubeObject {
    const found = this.#resource(resource);
    if (subresource === 'finalize')
      return finalizeNamespace(this.engine, found, draftOf(object), { manager });
    const { namespace = '', name } = object.metadata;
    return bindPod(this.engine, found, namespace, name, draftOf(object), { manager });
  }

  delete(
    resource: string,
    namespace: string | undefined,
    name: string,
    options: { readonly force?: boolean } = {},
  ): void {
    const grace = options.force === true ? { gracePeriodSeconds: 0 } : {};
    deleteObject(this.engine, this.#resource(resource), namespace, name, grace);
  }

  watch(
    resources: readonly string[],
    listener: (change: Change) => void,
    options: { readonly initial?: boolean } = {},
  ): () => void {
    return watchStore(this.engine.store, resources, listener, options);
  }

  addAdmission(plugin: AdmissionPlugin): void {
    this.engine.admission.push(plugin);
  }

  #resource(name: string): Resource {
    const found = this.engine.registry.byName(name);
    if (found === undefined) throw notFound({ group: '', resource: name }, '');
    return found;
  }
}

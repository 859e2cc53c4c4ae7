/** What is there before anybody asks: the system's namespaces, the `kubernetes` service, priorities, roles, Istio's CRDs. */
import { istioDefinitions } from './crds/istio-definitions.ts';
import { createObject } from './engine/create.ts';
import { type Engine, objectKey } from './engine/engine.ts';
import { type JsonObject, objectAt } from './json.ts';
import { bootstrapRbac } from './rbac/bootstrap-rbac.ts';
import { qualified } from './status.ts';

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const kubernetesService: JsonObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'kubernetes',
    namespace: 'default',
    labels: { component: 'apiserver', provider: 'kubernetes' },
  },
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.1',
    ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
  },
};

const priorities: readonly JsonObject[] = [
  { name: 'system-cluster-critical', value: 2_000_000_000 },
  { name: 'system-node-critical', value: 2_000_001_000 },
].map(({ name, value }) => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
}));

/** Fills a store with what is not in it yet. The manager is the API server itself, as on a new cluster. */
export function bootstrap(engine: Engine): void {
  const create = (object: JsonObject): void => {
    const resource = engine.registry.byKind(String(object.apiVersion), String(object.kind));
    if (resource === undefined) throw new Error(`bootstrap: no resource for ${String(object.kind)}`);
    const { name, namespace } = objectAt(object, 'metadata') ?? {};
    const key = objectKey(typeof namespace === 'string' ? namespace : undefined, String(name));
    if (engine.store.get(qualified(resource), key) !== undefined) return;
    createObject(engine, resource, object, { manager: 'kube-apiserver' });
  };
  for (const name of namespaces) create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  create(kubernetesService);
  for (const object of [...priorities, ...bootstrapRbac(), ...istioDefinitions()]) create(object);
}

/** A whole mesh for tests: API, controllers, kubelet, network, istiod and sidecars in this process, without HTTP doors. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { createApi, type LabApi } from '../../api/create-api.ts';
import { type ClusterCore, resourceOf } from '../../cluster-core.ts';
import { createIstiod } from '../../istiod/create-istiod.ts';
import type { Istiod, IstiodOptions } from '../../istiod/istiod.ts';
import {
  deploymentObject,
  exec,
  httpbinContainer,
  type Ran,
  serviceObject,
  sleepContainer,
  startCoreOn,
} from '../../testing/core.ts';
import { eventually, isRolledOut } from '../../testing/wait.ts';

export interface TestMesh extends ClusterCore {
  readonly api: LabApi;
  readonly istiod: Istiod;
  readonly problems: readonly string[];
  apply(...objects: readonly KubeObject[]): void;
  /** Runs a command in the pod of a deployment. */
  run(namespace: string, app: string, container: string, ...command: readonly string[]): Promise<Ran>;
  /** Lines that a container has logged so far. */
  logs(namespace: string, app: string, container: string): Promise<readonly string[]>;
  podOf(namespace: string, app: string): KubeObject;
  /** Until every deployment is rolled out and every sidecar has loaded what istiod sent. */
  settled(): Promise<void>;
}

export async function startTestMesh(options: Partial<Omit<IstiodOptions, 'api'>> = {}): Promise<TestMesh> {
  const api = createApi();
  const problems: string[] = [];
  api.create(
    'namespaces',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } },
    'test',
  );
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh: 'accessLogFile: /dev/stdout\n' },
  };
  api.create('configmaps', configMap, 'test');
  const istiod = await createIstiod({ now: () => Date.now(), ...options, api });
  api.addAdmission(istiod.inject);
  const core = await startCoreOn(api, problems, { startSidecar: (host) => istiod.startSidecar(host) });
  const podOf = (namespace: string, app: string): KubeObject => {
    const pod = api.list('pods', { namespace, labels: { app } })[0];
    if (pod === undefined) throw new Error(`no pod of ${namespace}/${app}`);
    return pod;
  };
  return {
    ...core,
    api,
    istiod,
    problems,
    podOf,
    apply(...objects) {
      for (const object of objects) {
        const resource = resourceOf(api, object);
        const { namespace, name } = object.metadata;
        const old = api.get(resource, namespace, name);
        if (old === undefined) api.create(resource, object, 'test');
        else
          api.update(
            resource,
            { ...old, ...object, metadata: { ...old.metadata, ...object.metadata } },
            'test',
          );
      }
    },
    run: (namespace, app, container, ...command) =>
      exec(core.kubelet, podOf(namespace, app), container, ...command),
    async logs(namespace, app, container) {
      const { name } = podOf(namespace, app).metadata;
      const options = { container, follow: false, timestamps: false, previous: false };
      const lines: string[] = [];
      for await (const line of core.kubelet.logs(
        { namespace, name },
        options,
        new AbortController().signal,
      )) {
        lines.push(line.replace(/\n$/, ''));
      }
      return lines;
    },
    async settled() {
      await eventually(api, ['deployments.apps', 'pods'], () =>
        api.list('deployments.apps').every(isRolledOut),
      );
      await istiod.whenSynced();
    },
    async close() {
      await core.close();
      await istiod.close();
    },
  };
}

export const injectedNamespace = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'istio-injection': 'enabled' } },
});

/** The guide's two workloads with their Services: sleep calls, httpbin answers on 8000 for 80. */
export function sleepAndHttpbin(namespace: string): readonly KubeObject[] {
  return [
    deploymentObject({ name: 'sleep', namespace, container: sleepContainer }),
    deploymentObject({ name: 'httpbin', namespace, container: httpbinContainer }),
    serviceObject('httpbin', namespace, 8000, 80),
  ];
}

export function peerAuthentication(
  namespace: string,
  mode: string,
  spec: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace },
    spec: { mtls: { mode }, ...spec },
  };
}

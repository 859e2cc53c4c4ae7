/** The lab: a Kubernetes API, its nodes and a mesh, in this one process. */
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Api } from './api/api.ts';
import { createApiCertificates } from './api/api-certificates.ts';
import { createApi, type LabApi } from './api/create-api.ts';
import { type ApiServer, startApiServer } from './api/server.ts';
import { consoleObjects } from './bootstrap/console.ts';
import { istioSystemObjects } from './bootstrap/istio-system.ts';
import { publishKubernetesService } from './bootstrap/kubernetes-service.ts';
import { publishMeshRoot } from './bootstrap/mesh-root.ts';
import { labNodes } from './bootstrap/nodes.ts';
import {
  type ClusterCore,
  publishNodes,
  resourceOf,
  startAllControllers,
  startCore,
} from './cluster-core.ts';
import { afterRestart } from './data/after-restart.ts';
import { openDataFolder } from './data/data-folder.ts';
import { findExecutable } from './find-executable.ts';
import { createIstiod } from './istiod/create-istiod.ts';
import type { Istiod } from './istiod/istiod.ts';
import type { PodObject } from './kinds/pod.ts';
import { type KubeconfigFacts, kubeconfigText } from './kubeconfig.ts';
import type { RunningKubelet } from './kubelet/node-agent.ts';
import { maxNodes } from './kubelet/pod-addresses.ts';
import type { Network } from './net/network.ts';
import type { LabConsole } from './workloads/program.ts';

export interface LabOptions {
  /** The name of the kubeconfig's context is `padlock-NAME`; `lab` when absent. */
  readonly name?: string;
  /** The API server's port on 127.0.0.1; any free one when absent or 0. */
  readonly port?: number;
  /** Nodes, 1 to 8; two when absent. */
  readonly nodes?: number;
  /** Seconds that a workload certificate lives; a day when absent. */
  readonly certTtlSeconds?: number;
  /** Each sidecar hears of a change after a delay of its own, in milliseconds. Absent: at once. */
  readonly propagation?: { readonly min: number; readonly max: number; readonly seed: number };
  /** Seconds for which connections on removed configuration live on; 45 when absent. */
  readonly drainSeconds?: number;
  /** The mesh config as YAML text; Istio's defaults with access logs when absent. */
  readonly meshConfig?: string;
  /** A folder that keeps the objects: they are there again when a lab is started on it, also after a kill. */
  readonly data?: string;
  /** A PATH to find curl in; without it a small curl of the lab's own runs in pods. */
  readonly path?: string;
  /** What the `kiali` Service of istio-system leads to; without it there is no such Service. */
  readonly console?: LabConsole;
  /** Something in the lab failed and is tried again: a sentence, for a log. */
  readonly onProblem?: (sentence: string, error: unknown) => void;
}

export interface Lab {
  readonly api: LabApi;
  readonly network: Network;
  readonly kubelet: RunningKubelet;
  readonly istiod: Istiod;
  readonly server: { readonly port: number; readonly url: string };
  /** The kubeconfig's context. */
  readonly context: string;
  /** The kubeconfig file's text: it holds the administrator's private key. */
  readonly kubeconfig: string;
  /** What the kubeconfig is made of, for merging it into another. */
  readonly access: KubeconfigFacts;
  /** False where the machine has no curl, and the lab's own small one takes its place. */
  readonly hasCurl: boolean;
  /** Resolves when the pods of istio-system are ready. */
  whenReady(): Promise<void>;
  /** Ends every pod, watch and connection. */
  close(): Promise<void>;
}

/**
 * Starts a lab. It is usable when this resolves; the pods of istio-system become ready a moment later.
 * @throws PadlockError `PORT_IN_USE`
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const now = (): Date => new Date();
  const onProblem = options.onProblem ?? (() => undefined);
  const nodes = labNodes(Math.min(maxNodes, Math.max(1, options.nodes ?? 2)));
  const journal = options.data === undefined ? undefined : await openDataFolder(options.data);
  const api = createApi(
    journal === undefined
      ? {}
      : {
          kept: {
            ...journal,
            objects: afterRestart(journal.objects, new Set(nodes.map(({ name }) => name))),
          },
        },
  );
  const [certificates, istiod] = await Promise.all([
    createApiCertificates(now()),
    createIstiod({
      api,
      now: () => now().getTime(),
      ...(options.certTtlSeconds === undefined ? {} : { certTtlSeconds: options.certTtlSeconds }),
      ...(options.propagation === undefined ? {} : { propagation: options.propagation }),
      ...(options.drainSeconds === undefined ? {} : { drainSeconds: options.drainSeconds }),
    }),
  ]);
  api.addAdmission(istiod.inject);
  const curl = findExecutable('curl', options.path ?? '');
  let server: ApiServer | undefined;
  publishNodes(api, nodes, now());
  const core = await startCore({
    api,
    now,
    nodes,
    curl,
    startControllers: () =>
      startAllControllers(api, { now, onProblem, clusterCertificate: certificates.caCertificate }),
    startSidecar: istiod.startSidecar,
    controlPlane: istiod,
    console: options.console,
    token: (pod, audience) => (server === undefined ? undefined : tokenOf(api, server, pod, audience)),
    drainMilliseconds: options.propagation === undefined ? quickDrain : options.propagation.max + quickDrain,
    onProblem,
  });
  const stopPublishing = publishMeshRoot(api, istiod.ca, (controller, key, error) =>
    onProblem(`${controller}: ${key}`, error),
  );
  const endInside = async (): Promise<void> => {
    stopPublishing();
    await core.close();
    await istiod.close();
    journal?.close();
  };
  try {
    server = await startApiServer({
      api,
      kubelet: core.kubelet,
      host: '127.0.0.1',
      port: options.port ?? 0,
      caCertificate: certificates.caCertificate,
      certificate: certificates.server,
      onInternalError: (error) => onProblem('the API server failed to answer a request', error),
    });
  } catch (error) {
    await endInside();
    throw error;
  }
  const unpublish = publishKubernetesService(api, core.network, server.port);
  const objects = [
    ...istioSystemObjects(options.meshConfig === undefined ? {} : { meshConfig: options.meshConfig }),
    ...(options.console === undefined ? [] : consoleObjects()),
  ];
  for (const object of objects) installed(api, object);
  return assemble({ options, api, core, istiod, server, curl, certificates, objects }, async () => {
    unpublish();
    await server.close();
    await endInside();
  });
}

/** Creates an object of Istio's installation; one that is there stays as people left it. */
function installed(api: LabApi, object: KubeObject): void {
  const resource = resourceOf(api, object);
  const { namespace, name } = object.metadata;
  if (api.get(resource, namespace, name) === undefined) api.create(resource, object, 'helm');
}

/** Without a propagation delay everybody hears of a pod's end within this time. */
const quickDrain = 100;

interface Parts {
  readonly options: LabOptions;
  readonly api: LabApi;
  readonly core: ClusterCore;
  readonly istiod: Istiod;
  readonly server: ApiServer;
  readonly curl: string | undefined;
  readonly certificates: Awaited<ReturnType<typeof createApiCertificates>>;
  readonly objects: readonly KubeObject[];
}

function assemble(parts: Parts, close: () => Promise<void>): Lab {
  const { options, api, core, istiod, server, curl, certificates, objects } = parts;
  const context = `padlock-${options.name ?? 'lab'}`;
  const access: KubeconfigFacts = {
    name: context,
    server: server.url,
    caCertificate: certificates.caCertificate,
    user: certificates.admin,
  };
  let closing: Promise<void> | undefined;
  return {
    api,
    network: core.network,
    kubelet: core.kubelet,
    istiod,
    server: { port: server.port, url: server.url },
    context,
    kubeconfig: kubeconfigText(access),
    access,
    hasCurl: curl !== undefined,
    whenReady: () => deploymentsReady(api, objects),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Resolves once all Deployments among the objects are available. */
function deploymentsReady(api: Api, objects: readonly KubeObject[]): Promise<void> {
  const names = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata);
  return new Promise((resolve) => {
    const unwatch = api.watch(
      ['deployments.apps'],
      () => {
        const ready = names.every(({ namespace, name }) =>
          isAvailable(api.get('deployments.apps', namespace, name)),
        );
        if (!ready) return;
        unwatch();
        resolve();
      },
      { initial: true },
    );
  });
}

function isAvailable(deployment: KubeObject | undefined): boolean {
  const status = deployment?.status;
  if (typeof status !== 'object' || status === null || !('availableReplicas' in status)) return false;
  return Number(status.availableReplicas) > 0;
}

/** A token as the pod's projected volume holds it. */
function tokenOf(
  api: Api,
  server: ApiServer,
  pod: PodObject,
  audience: string | undefined,
): string | undefined {
  const { namespace = '', name, uid = '' } = pod.metadata;
  const account = api.get('serviceaccounts', namespace, pod.spec.serviceAccountName ?? 'default');
  if (account === undefined) return undefined;
  return server.tokens.issue({
    namespace,
    name: account.metadata.name,
    uid: account.metadata.uid ?? '',
    audiences: [audience ?? 'https://kubernetes.default.svc.cluster.local'],
    expirationSeconds: 3607,
    pod: { name, uid },
  });
}

/**
 * The lab's nodes, network and mesh on another API server: that one holds the objects and runs the controllers, this
 * process plays kubelets, kube-proxy, cluster DNS, the scheduler, istiod with its injector, and the sidecars.
 */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { istioSystemObjects } from '../bootstrap/istio-system.ts';
import { publishMeshRoot } from '../bootstrap/mesh-root.ts';
import { apiServerAddress, labNodes, nodeObject } from '../bootstrap/nodes.ts';
import { type ClusterCore, startCore } from '../cluster-core.ts';
import { timestamp } from '../controllers/conditions.ts';
import { runController } from '../controllers/controller.ts';
import { createRecorder } from '../controllers/events.ts';
import { scheduler } from '../controllers/scheduler.ts';
import { findExecutable } from '../find-executable.ts';
import { createIstiod } from '../istiod/create-istiod.ts';
import type { Istiod, IstiodOptions } from '../istiod/istiod.ts';
import { watchedResources } from '../istiod/model/mesh-model.ts';
import {
  createKubeletCertificates,
  type KubeletCertificates,
} from '../kubelet/server/kubelet-certificates.ts';
import { type KubeletServer, startKubeletServer } from '../kubelet/server/start-kubelet-server.ts';
import { type ApiClient, remotePath } from './api-client.ts';
import { type ClusterProxy, dialLoopback, startClusterProxy } from './cluster-proxy.ts';
import { type InjectionWebhook, startInjectionWebhook } from './injection-webhook.ts';
import { keepNodesAlive } from './node-leases.ts';
import { type RemoteApi, startRemoteApi } from './remote-api.ts';

/** What the API server must be told before it starts: how it finds and knows the lab. */
export interface Doors {
  readonly kubelet: KubeletCertificates;
  readonly proxy: ClusterProxy;
}

const nodes = labNodes(2);

/** Opens the doors; nothing stands behind them until a lab is started on the API server. */
export async function openDoors(now: Date): Promise<Doors> {
  const [kubelet, proxy] = await Promise.all([
    createKubeletCertificates(
      now,
      nodes.map(({ ip }) => ip),
    ),
    startClusterProxy(now),
  ]);
  return { kubelet, proxy };
}

export interface RemoteLabOptions
  extends Pick<IstiodOptions, 'propagation' | 'drainSeconds' | 'certTtlSeconds'> {
  /** Must have every right on the cluster. */
  readonly client: ApiClient;
  readonly doors: Doors;
  /** A PATH to find curl in. */
  readonly path: string;
  readonly meshConfig?: string;
  readonly onProblem: (sentence: string, error: unknown) => void;
}

export interface RemoteLab extends ClusterCore {
  readonly api: RemoteApi;
  readonly istiod: Istiod;
}

const mirrored = [...watchedResources, 'secrets', 'nodes', 'events', 'deployments.apps'] as const;

/** Starts the lab's part. Istio's installation is written where it is not there yet. */
export async function startRemoteLab(options: RemoteLabOptions): Promise<RemoteLab> {
  const { client, doors, onProblem } = options;
  const now = (): Date => new Date();
  const api = await startRemoteApi({ client, resources: mirrored, onProblem });
  const closers: (() => Promise<void> | void)[] = [() => api.close()];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const objects = istioSystemObjects(
      options.meshConfig === undefined ? {} : { meshConfig: options.meshConfig },
    );
    // istiod reads the mesh config when it starts.
    const early = objects.filter(({ kind }) => kind === 'Namespace' || kind === 'ConfigMap');
    for (const object of early) await install(client, object);
    await seen(api, 'configmaps', 'istio-system', 'istio');
    const istiod = await createIstiod({ ...options, api, now: () => now().getTime() });
    closers.push(() => istiod.close());
    api.addAdmission(istiod.inject);
    const core = await startNodes(options, api, istiod, now);
    closers.push(() => core.close());
    const kubelet = await startKubeletServer({
      runtime: core.kubelet,
      certificates: doors.kubelet,
      now,
      onInternalError: (error) => onProblem('the kubelet failed to answer a request', error),
    });
    closers.push(() => kubelet.close());
    lead(doors.proxy, core, kubelet);
    const webhook = await startInjectionWebhook(api.admit, now());
    closers.push(() => webhook.close());
    const report = (controller: string, key: string, error: unknown): void =>
      onProblem(`${controller}: ${key}`, error);
    closers.push(publishMeshRoot(api, istiod.ca, report));
    closers.push(keepNodesAlive(client, nodes, now, onProblem));
    for (const [index, node] of nodes.entries()) {
      const endpoint = { port: kubelet.port, webSockets: index % 2 === 1 };
      await install(client, nodeObject(node, timestamp(now()), endpoint));
    }
    for (const object of objects.filter((one) => !early.includes(one)))
      await install(client, calling(object, webhook));
    return { ...core, api, istiod, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function startNodes(
  options: RemoteLabOptions,
  api: RemoteApi,
  istiod: Istiod,
  now: () => Date,
): Promise<ClusterCore> {
  const { path, propagation, onProblem } = options;
  const onError = (controller: string, key: string, error: unknown): void =>
    onProblem(`${controller}: ${key}`, error);
  return startCore({
    api,
    now,
    nodes,
    curl: findExecutable('curl', path),
    startSidecar: (host) => istiod.startSidecar(host),
    controlPlane: istiod,
    // The rest of the control plane is the cluster's own.
    startControllers: () => {
      const events = createRecorder(api, 'default-scheduler', now);
      return runController({ api, onError }, scheduler({ api, now, events }));
    },
    // Pods get no tokens: the API server gives them out only when it is asked, and nothing here waits for it.
    token: () => undefined,
    drainMilliseconds: heard + (propagation?.max ?? 0),
    onProblem,
  });
}

/** Within this time everybody has heard of a pod's end, over the watch of another process's API. */
const heard = 500;

/** The API server's calls into the cluster: kubelets are at their nodes' addresses, all else is in the network. */
function lead(proxy: ClusterProxy, core: ClusterCore, kubelet: KubeletServer): void {
  const ips = new Set(nodes.map(({ ip }) => ip));
  proxy.lead((host, port) =>
    ips.has(host) && port === kubelet.port
      ? dialLoopback(port)
      : core.network.dial(apiServerAddress, { ip: host, port }),
  );
}

/** The injector's webhook, at the address at which it really listens. */
function calling(object: KubeObject, { clientConfig }: InjectionWebhook): KubeObject {
  const { webhooks } = object;
  if (object.kind !== 'MutatingWebhookConfiguration' || !Array.isArray(webhooks)) return object;
  return { ...object, webhooks: webhooks.map((webhook: object) => ({ ...webhook, clientConfig })) };
}

/** @throws Error where the API server refuses it; one that is there stays. */
async function install(client: ApiClient, object: KubeObject): Promise<void> {
  const [version = '', group] = object.apiVersion.split('/').reverse();
  const plural = `${object.kind.toLowerCase()}s${group === undefined ? '' : `.${group}`}`;
  if (version !== 'v1') throw new Error(`${object.kind} is not served as ${object.apiVersion}`);
  const path = remotePath(plural, object.metadata.namespace);
  const answer = await client.raw({
    method: 'POST',
    path: `${path}?fieldManager=helm`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  if (answer.status !== 201 && answer.status !== 409)
    throw new Error(`POST ${path}: ${answer.status} ${answer.body}`);
}

/** Resolves once the mirror holds the object. */
function seen(api: RemoteApi, resource: string, namespace: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const unwatch = api.watch(
      [resource],
      ({ object: { metadata } }) => {
        if (metadata.namespace !== namespace || metadata.name !== name) return;
        unwatch();
        resolve();
      },
      { initial: true },
    );
  });
}

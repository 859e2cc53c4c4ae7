/** The lab's cluster in one process, without its HTTP door: API, controllers, network and nodes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Api } from './api/api.ts';
import type { LabApi } from './api/create-api.ts';
import { qualified } from './api/status.ts';
import { apiServerAddress, nodeObject } from './bootstrap/nodes.ts';
import { startControllers } from './controllers/all.ts';
import { timestamp } from './controllers/conditions.ts';
import { createRecorder } from './controllers/events.ts';
import type { PodObject } from './kinds/pod.ts';
import { type RunningKubelet, startKubelet } from './kubelet/node-agent.ts';
import type { LabNode } from './kubelet/node-environment.ts';
import type { Network } from './net/network.ts';
import { watchServices } from './net/service-table.ts';
import { startSocks } from './net/socks.ts';
import { createNetwork } from './net/virtual-network.ts';
import type { Sidecar, SidecarHost } from './sidecar/sidecar.ts';
import type { ControlPlane } from './workloads/istiod/xds-server.ts';
import type { LabConsole } from './workloads/program.ts';

export interface CoreOptions {
  readonly api: Api;
  readonly now: () => Date;
  readonly nodes: readonly LabNode[];
  /** The machine's curl. */
  readonly curl: string | undefined;
  /** Starts what runs beside the API server, last; returns the function that stops it. */
  readonly startControllers: () => () => void;
  readonly startSidecar: ((host: SidecarHost) => Sidecar) | undefined;
  readonly controlPlane?: ControlPlane;
  readonly console?: LabConsole | undefined;
  readonly token: (pod: PodObject, audience: string | undefined) => string | undefined;
  readonly drainMilliseconds: number;
  /** Something in the lab failed and is tried again, or one pod suffers: a sentence for the lab's log. */
  readonly onProblem: (sentence: string, error: unknown) => void;
}

export interface ClusterCore {
  readonly network: Network;
  readonly kubelet: RunningKubelet;
  close(): Promise<void>;
}

export async function startCore(options: CoreOptions): Promise<ClusterCore> {
  const { api, now, nodes, onProblem } = options;
  const folder = mkdtempSync(join(tmpdir(), 'padlock-lab-'));
  const services = watchServices(api);
  const [network, socks] = await Promise.all([createNetwork(services.table), startSocks()]);
  const kubelet = startKubelet(
    {
      api,
      network,
      tools: { curl: options.curl, socks, folder },
      now,
      events: (node) => createRecorder(api, 'kubelet', now, node),
      startSidecar: options.startSidecar,
      controlPlane: options.controlPlane,
      console: options.console,
      token: options.token,
      folder,
      drainMilliseconds: options.drainMilliseconds,
      onError: (pod, error) => onProblem(`pod ${pod}`, error),
    },
    nodes,
    apiServerAddress,
  );
  const stopControllers = options.startControllers();
  return {
    network,
    kubelet,
    async close() {
      stopControllers();
      services.close();
      await kubelet.close();
      await Promise.all([socks.close(), network.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes the nodes that the API does not hold yet. */
export function publishNodes(api: Api, nodes: readonly LabNode[], now: Date): void {
  for (const node of nodes) {
    if (api.get('nodes', undefined, node.name) === undefined)
      api.create('nodes', nodeObject(node, timestamp(now)), 'kubelet');
  }
}

/** The lab's own controller manager and scheduler. @returns the function that stops them */
export function startAllControllers(
  api: LabApi,
  options: Pick<CoreOptions, 'now' | 'onProblem'> & { readonly clusterCertificate: string },
): () => void {
  return startControllers({
    api,
    now: options.now,
    clusterCertificate: options.clusterCertificate,
    resources: () => servedResources(api),
    onError: (controller, key, error) => options.onProblem(`${controller}: ${key}`, error),
  });
}

/** What controllers watch: everything that can be listed. */
function servedResources(api: LabApi) {
  const listed = api.engine.registry.all().filter((resource) => resource.verbs.includes('list'));
  return {
    all: listed.map(qualified),
    namespaced: listed.filter((resource) => resource.namespaced).map(qualified),
  };
}

/** The resource that an object belongs to. @throws Error for a kind that is not served */
export function resourceOf(api: LabApi, object: KubeObject): string {
  const resource = api.engine.registry.byKind(object.apiVersion, object.kind);
  if (resource === undefined) throw new Error(`no resource for ${object.apiVersion} ${object.kind}`);
  return qualified(resource);
}

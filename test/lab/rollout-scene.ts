/** A namespace on a lab for the rollout's tests: servers, clients of several kinds, and one secure run against the real API. */
import type { Socket } from 'node:net';
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import { resourceOf } from '../../src/lab/cluster-core.ts';
import { asPod } from '../../src/lab/kinds/pod.ts';
import type { LabOptions } from '../../src/lab/lab.ts';
import {
  deploymentObject,
  httpbinContainer,
  serviceObject,
  sleepContainer,
} from '../../src/lab/testing/core.ts';
import { eventually, isRolledOut } from '../../src/lab/testing/wait.ts';
import { type DriveOptions, drive } from '../../src/rollout/drive.ts';
import { type Event, initialState, type RolloutState } from '../../src/rollout/machine.ts';
import { meshObserver } from '../../src/rollout/mesh-observer.ts';
import type { Observer } from '../../src/rollout/observer.ts';
import { prepare, type SecureOptions } from '../../src/rollout/prepare.ts';
import type { Progress } from '../../src/rollout/progress.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { type LabCluster, startLabCluster } from '../lab-cluster.ts';

export const shop = 'shop';

export interface Scene extends Pick<LabCluster, 'lab' | 'cluster' | 'kubeconfig' | 'close'> {
  /** What went wrong inside the lab; empty in a good test. */
  readonly problems: readonly string[];
  create(...objects: readonly KubeObject[]): void;
  deploymentsReady(namespace: string): Promise<void>;
  /** Connects from the first pod of a Deployment, as its application does. */
  connectFrom(namespace: string, deployment: string, host: string, port: number): Promise<Socket>;
}

export async function startScene(options: LabOptions = {}): Promise<Scene> {
  const problems: string[] = [];
  const started = await startLabCluster({
    ...options,
    onProblem: (sentence, error) => problems.push(`${sentence}: ${String(error)}`),
  });
  const { lab } = started;
  await lab.whenReady();
  return {
    ...started,
    problems,
    create(...objects) {
      for (const object of objects) lab.api.create(resourceOf(lab.api, object), object, 'test');
    },
    async deploymentsReady(namespace) {
      await eventually(lab.api, ['deployments.apps'], () =>
        lab.api.list('deployments.apps', { namespace }).every(isRolledOut),
      );
    },
    connectFrom(namespace, deployment, host, port) {
      const pod = lab.api
        .list('pods', { namespace })
        .map(asPod)
        .find(
          ({ metadata }) => metadata.labels?.app === deployment && metadata.deletionTimestamp === undefined,
        );
      if (pod === undefined) throw new Error(`no pod of ${namespace}/${deployment}`);
      return lab.kubelet.connect({ namespace, name: pod.metadata.name }, host, port);
    },
  };
}

export function namespaceObject(name: string, injected: boolean): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, ...(injected ? { labels: { 'istio-injection': 'enabled' } } : {}) },
  };
}

/**
 * A server of HTTP on 80, and one that echoes TCP on 9000. Its port names no protocol, so that a probe may ask by HTTP: a
 * bare TCP connection takes a probe two seconds.
 */
export function servers(namespace: string): readonly KubeObject[] {
  const tcp = { image: 'example.test/echo', ports: [{ containerPort: 9000 }] };
  return [
    deploymentObject({ name: 'web', namespace, replicas: 2, container: httpbinContainer }),
    serviceObject('web', namespace, 80, 80),
    deploymentObject({ name: 'echo', namespace, container: tcp }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo', namespace },
      spec: { selector: { app: 'echo' }, ports: [{ port: 9000, targetPort: 9000 }] },
    },
  ];
}

export function client(name: string, namespace: string): KubeObject {
  return deploymentObject({ name, namespace, container: sleepContainer });
}

export function policy(namespace: string, mode: string): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace },
    spec: { mtls: { mode } },
  };
}

/** Sets the namespace's mode at once, as `kubectl apply` would. */
export function setMode({ lab }: Scene, namespace: string, mode: string): void {
  const before = lab.api.get('peerauthentications.security.istio.io', namespace, 'default');
  if (before === undefined) throw new Error('there is no policy');
  lab.api.update('peerauthentications.security.istio.io', { ...before, spec: { mtls: { mode } } }, 'test');
}

export interface Run {
  readonly state: RolloutState;
  readonly told: readonly Progress[];
}

export interface RunOptions {
  readonly cluster?: Cluster;
  readonly observeMs?: number;
  readonly options?: Partial<SecureOptions>;
  readonly drive?: Partial<DriveOptions>;
  /** Changes what the rollout sees of the mesh. */
  readonly observer?: (real: Observer) => Observer;
  readonly onProgress?: (progress: Progress) => void;
}

/** Plans a rollout of `shop` and drives it to its end. */
export async function secure(scene: Scene, run: RunOptions = {}): Promise<Run> {
  const { cluster = scene.cluster, observeMs = 500 } = run;
  const prepared = await prepare(cluster, {
    namespace: shop,
    until: 'strict',
    workloads: [],
    exclude: [],
    observeMs,
    maxErrors: { kind: 'count', value: 0 },
    forceGitOps: false,
    now: Date.now(),
    signal: new AbortController().signal,
    ...run.options,
  });
  if (prepared.objections.length > 0) throw new Error(JSON.stringify(prepared.objections));
  return driveFrom(scene, initialState(prepared.plan), { kind: 'start' }, run);
}

export async function driveFrom(
  scene: Scene,
  state: RolloutState,
  event: Event,
  run: RunOptions = {},
): Promise<Run> {
  const { cluster = scene.cluster } = run;
  const told: Progress[] = [];
  let probes = 0;
  const clock = { now: () => Date.now(), sleep };
  const nonce = (): string => `t${++probes}`;
  const end = await drive(state, event, {
    cluster,
    observer: (run.observer ?? ((real) => real))(meshObserver(cluster, { ...clock, nonce })),
    clock,
    signal: new AbortController().signal,
    tell: (progress) => {
      told.push(progress);
      run.onProgress?.(progress);
    },
    limits: { rollout: 20_000, load: 20_000, drain: 20_000 },
    acceptInconclusive: false,
    holder: 'tester',
    ...run.drive,
  });
  return { state: end, told };
}

export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** A cluster core for tests: no HTTP, no control plane. */
import { Writable } from 'node:stream';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { createApi, type LabApi } from '../api/create-api.ts';
import { labNodes } from '../bootstrap/nodes.ts';
import {
  type ClusterCore,
  type CoreOptions,
  publishNodes,
  resourceOf,
  startAllControllers,
  startCore,
} from '../cluster-core.ts';
import { findExecutable } from '../find-executable.ts';
import type { RunningKubelet } from '../kubelet/node-agent.ts';

export interface TestCore extends ClusterCore {
  readonly api: LabApi;
  /** What went wrong inside; empty in a good test. */
  readonly problems: readonly string[];
  create(...objects: readonly KubeObject[]): void;
}

export async function startTestCore(nodes = 2): Promise<TestCore> {
  const api = createApi();
  const problems: string[] = [];
  const core = await startCoreOn(api, problems, { nodes });
  return {
    ...core,
    api,
    problems,
    create(...objects) {
      for (const object of objects) api.create(resourceOf(api, object), object, 'test');
    },
  };
}

/** Nodes and all controllers on an API of this process. */
export function startCoreOn(
  api: LabApi,
  problems: string[],
  { nodes: count = 2, startSidecar }: { nodes?: number; startSidecar?: CoreOptions['startSidecar'] } = {},
): Promise<ClusterCore> {
  const nodes = labNodes(count);
  const now = (): Date => new Date();
  const onProblem = (sentence: string, error: unknown): void => {
    problems.push(`${sentence}: ${String(error)}`);
  };
  publishNodes(api, nodes, now());
  return startCore({
    api,
    now,
    nodes,
    curl: findExecutable('curl', process.env.PATH ?? ''),
    startControllers: () => startAllControllers(api, { now, onProblem, clusterCertificate: 'a certificate' }),
    startSidecar,
    token: () => 'a token',
    drainMilliseconds: 50,
    onProblem,
  });
}

export function namespaceObject(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export interface TestDeployment {
  readonly name: string;
  readonly namespace: string;
  readonly replicas?: number;
  readonly container: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly pod?: Readonly<Record<string, unknown>>;
}

export function deploymentObject(options: TestDeployment): KubeObject {
  const { name, namespace, replicas = 1, container, spec, pod } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name, ...container }], ...pod },
      },
      ...spec,
    },
  };
}

export const httpbinContainer = { image: 'kennethreitz/httpbin', ports: [{ containerPort: 80 }] };
export const sleepContainer = { image: 'curlimages/curl', command: ['/bin/sleep', '3650d'] };

export function serviceObject(name: string, namespace: string, port: number, targetPort: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort }] },
  };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a container of a pod. */
export async function exec(
  kubelet: RunningKubelet,
  pod: KubeObject | undefined,
  container: string,
  ...command: readonly string[]
): Promise<Ran> {
  if (pod === undefined) throw new Error('no such pod');
  const out = collector();
  const err = collector();
  const name = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
  const code = await kubelet
    .running(name, container)
    .exec(command, { stdout: out.stream, stderr: err.stream }, new AbortController().signal);
  return { code, stdout: out.text(), stderr: err.text() };
}

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

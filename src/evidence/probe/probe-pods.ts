/**
 * Two short-lived pods in each namespace to probe from: one behind a sidecar, one without. Each is made by a Job with a
 * deadline and a time to live, so that the cluster removes it even where Padlock is killed.
 */
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { spiffeId } from '../../istio/spiffe.ts';
import { ownerAnnotation, untilAnnotation } from '../../mesh/exception.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Cluster, ResourceType } from '../../sources/cluster.ts';
import { asObjects, asText, dig } from '../../sources/json-value.ts';
import { errorForStatus } from '../../sources/kube/status.ts';
import type { MeshClient } from './clients.ts';
import type { Container } from './curl.ts';

export interface ProbeContainers {
  readonly client?: MeshClient;
  readonly outsiders: readonly Container[];
  /** A file in the outsider with a self-signed certificate and its key. */
  readonly strangerCertificate?: string;
}

export type ProbesByNamespace = ReadonlyMap<string, ProbeContainers>;

export interface ProbePodEffects {
  readonly cluster: Cluster;
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly nonce: () => string;
  readonly signal?: AbortSignal | undefined;
}

const deadlineSeconds = 600;
const readyWithinMs = 120_000;
const pollMs = 500;
const runLabel = 'padlock.dev/probe-run';
const container = 'probe';
const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', namespaced: true };

type Role = 'client' | 'outsider';

/**
 * Makes the pods, waits until they are ready, runs `use` with them and removes them, whatever happens.
 * @throws PadlockError where they may not be made or do not become ready, and what `use` throws
 */
export async function withProbePods<Result>(
  mesh: Mesh,
  options: { readonly namespaces: readonly string[] | undefined; readonly image: string },
  effects: ProbePodEffects,
  use: (probes: ProbesByNamespace) => Promise<Result>,
): Promise<Result> {
  const inMesh = workloads(mesh, options.namespaces).filter(({ dataplane }) => dataplane !== 'gateway');
  const namespaces = [...new Set(inMesh.map(({ namespace }) => namespace))];
  const run = effects.nonce();
  const made: { readonly namespace: string; readonly name: string }[] = [];
  // Loaded here: nobody else needs it, and it takes a while.
  const { strangerCertificate } = await import('./stranger-certificate.ts');
  try {
    for (const namespace of namespaces) {
      for (const role of ['client', 'outsider'] as const) {
        made.push({ namespace, name: jobName(run, role) });
        const certificate =
          role === 'client'
            ? undefined
            : await strangerCertificate(
                spiffeId({ trustDomain: mesh.config.trustDomain, namespace, serviceAccount: 'default' }),
                effects.now(),
              );
        await createJob(
          effects,
          jobManifest(namespace, { run, role, image: options.image, certificate, now: effects.now() }),
        );
      }
    }
    const probes = await Promise.all(
      namespaces.map(async (namespace) => {
        const revision = inMesh.find((one) => one.namespace === namespace)?.revision ?? 'default';
        return [namespace, await readyProbes(effects, namespace, run, revision)] as const;
      }),
    );
    return await use(new Map(probes));
  } finally {
    await Promise.all(made.map((job) => deleteJob(effects.cluster, job)));
  }
}

function jobName(run: string, role: Role): string {
  return `padlock-probe-${role}-${run}`;
}

const certificateAnnotation = 'padlock.dev/probe-certificate';
const certificateFolder = '/etc/padlock-probe';
const certificateFile = 'stranger.pem';

interface JobFacts {
  readonly run: string;
  readonly role: Role;
  readonly image: string;
  /** A PEM text that the pod finds as a file, by the downward API: no further object and no further right. */
  readonly certificate: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A pod without a sidecar, which `padlock guard` refuses without one: for the minutes that it lives, midnight included. */
function guardException(now: number): Readonly<Record<string, string>> {
  const until = new Date(now + 86_400_000).toISOString().slice(0, 10);
  return { [ownerAnnotation]: 'padlock', [untilAnnotation]: until };
}

/** Unprivileged in every way that Pod Security's restricted level asks for. */
function jobManifest(namespace: string, { run, role, image, certificate, now }: JobFacts): object {
  const labels = {
    'app.kubernetes.io/name': 'padlock-probe',
    'app.kubernetes.io/managed-by': 'padlock',
    [runLabel]: run,
    'padlock.dev/probe-role': role,
    'sidecar.istio.io/inject': role === 'client' ? 'true' : 'false',
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: jobName(run, role), namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      ttlSecondsAfterFinished: 30,
      template: {
        metadata: {
          labels,
          ...(certificate === undefined
            ? {}
            : { annotations: { [certificateAnnotation]: certificate, ...guardException(now) } }),
        },
        spec: {
          ...(certificate === undefined ? {} : { volumes: [certificateVolume] }),
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 1,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: container,
              image,
              command: ['sleep', String(deadlineSeconds)],
              ...(certificate === undefined
                ? {}
                : { volumeMounts: [{ name: 'stranger', mountPath: certificateFolder, readOnly: true }] }),
              resources: { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '64Mi' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    },
  };
}

const certificateVolume = {
  name: 'stranger',
  downwardAPI: {
    items: [
      {
        path: certificateFile,
        fieldRef: { fieldPath: `metadata.annotations['${certificateAnnotation}']` },
      },
    ],
  },
};

async function createJob(effects: ProbePodEffects, manifest: object): Promise<void> {
  const namespace = String(dig(manifest, 'metadata', 'namespace'));
  const answer = await effects.cluster.raw({
    method: 'POST',
    path: `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/jobs`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(manifest),
    ...(effects.signal === undefined ? {} : { signal: effects.signal }),
  });
  if (answer.status < 300) return;
  const asked = { verb: 'create', group: 'batch', resource: 'jobs', namespace };
  throw errorForStatus(answer.status, answer.body, asked, effects.cluster.context);
}

/** Without the run's signal: the pods must go even after Ctrl-C. */
async function deleteJob(
  cluster: Cluster,
  job: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const answer = await cluster.raw({
    method: 'DELETE',
    path: `/apis/batch/v1/namespaces/${encodeURIComponent(job.namespace)}/jobs/${job.name}?propagationPolicy=Background`,
  });
  if (answer.status < 300 || answer.status === 404) return;
  throw new PadlockError(
    'CLUSTER_REQUEST_FAILED',
    `the probe Job ${job.namespace}/${job.name} could not be removed: the API server answered ${answer.status}`,
    {
      hint: `it ends by itself after ${deadlineSeconds} s; or: kubectl delete job -n ${job.namespace} ${job.name}`,
    },
  );
}

async function readyProbes(
  effects: ProbePodEffects,
  namespace: string,
  run: string,
  revision: string,
): Promise<ProbeContainers> {
  const deadline = effects.now() + readyWithinMs;
  for (;;) {
    const { items } = await effects.cluster.list(pods, {
      namespace,
      labelSelector: `${runLabel}=${run}`,
      ...(effects.signal === undefined ? {} : { signal: effects.signal }),
    });
    const ready = items.filter(isReady);
    if (ready.length === 2) return toContainers(ready, namespace, revision);
    if (effects.now() > deadline) {
      const waiting = items.filter((pod) => !isReady(pod)).map(whyNotReady);
      throw new PadlockError(
        'CLUSTER_REQUEST_FAILED',
        `the probe pods in ${namespace} did not become ready: ${waiting.join('; ') || 'they were not made'}`,
        { hint: 'can the cluster pull --probe-image? is there a quota or an admission policy?' },
      );
    }
    await effects.sleep(pollMs);
  }
}

function isReady(pod: KubeObject): boolean {
  return asObjects(dig(pod.status, 'conditions')).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
}

function whyNotReady(pod: KubeObject): string {
  const waiting = asObjects(dig(pod.status, 'containerStatuses'))
    .map((status) => asText(dig(status, 'state', 'waiting', 'reason')))
    .find((reason) => reason !== undefined);
  return `${pod.metadata.name} ${waiting ?? asText(dig(pod.status, 'phase')) ?? 'Pending'}`;
}

function toContainers(ready: readonly KubeObject[], namespace: string, revision: string): ProbeContainers {
  const of = (role: Role): KubeObject | undefined =>
    ready.find((pod) => pod.metadata.labels?.['padlock.dev/probe-role'] === role);
  const client = of('client');
  const outsider = of('outsider');
  const address = asText(dig(client?.status, 'podIP'));
  return {
    outsiders: outsider === undefined ? [] : [{ namespace, pod: outsider.metadata.name, container }],
    ...(outsider === undefined ? {} : { strangerCertificate: `${certificateFolder}/${certificateFile}` }),
    ...(client === undefined || address === undefined || !hasSidecar(client)
      ? {}
      : {
          client: {
            namespace,
            pod: client.metadata.name,
            container,
            address,
            workload: {
              namespace,
              serviceAccount: asText(dig(client.spec, 'serviceAccountName')) ?? 'default',
              revision,
            },
          },
        }),
  };
}

function hasSidecar(pod: KubeObject): boolean {
  return ['containers', 'initContainers']
    .flatMap((field) => asObjects(dig(pod.spec, field)))
    .some((one) => one.name === 'istio-proxy');
}

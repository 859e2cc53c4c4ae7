/** The observer of real meshes: config dumps for what is loaded, probes for what is proven. */
import { PadlockError } from '../errors.ts';
import { type ConfigDump, parseConfigDump } from '../evidence/envoy/config-dump.ts';
import { withProbePods } from '../evidence/probe/probe-pods.ts';
import { AdminReader } from '../evidence/proxy/admin.ts';
import { ProxyReader } from '../evidence/proxy/reader.ts';
import { verify } from '../evidence/verify/verify.ts';
import { buildMesh, type Mesh } from '../mesh/mesh.ts';
import type { Cluster } from '../sources/cluster.ts';
import { readClusterSnapshot } from '../sources/cluster-snapshot.ts';
import type { Timing } from './carry-out.ts';
import { drainingNow } from './draining.ts';
import { clientExpectations, type LoadingSources, lookAt, serverExpectations } from './loading.ts';
import type { Observer } from './observer.ts';
import { permissiveProof, strictProof } from './proof.ts';
import { readTraffic } from './traffic-reader.ts';

export interface ObserverEffects extends Timing {
  /** A short random text, so that a probe's traces can be told from others'. */
  nonce(): string;
}

export interface ObserverOptions {
  /** Probe from two short-lived pods of this image, and not from containers that happen to have curl. */
  readonly probeImage?: string;
}

export function meshObserver(
  cluster: Cluster,
  effects: ObserverEffects,
  options: ObserverOptions = {},
): Observer {
  const readMesh = async (namespace: string, signal: AbortSignal): Promise<Mesh> =>
    buildMesh(await readClusterSnapshot(cluster, { namespaces: [namespace], signal }));
  const readerFor = (signal: AbortSignal): ProxyReader =>
    new ProxyReader({ cluster, now: () => effects.now(), signal });
  return {
    loading: ({ namespace }, { clients }) => {
      const sources: LoadingSources = {
        now: () => effects.now(),
        readMesh: (signal) => readMesh(namespace, signal),
        readDump: (where, pod, signal) => readDump(new AdminReader(cluster, signal), where, pod),
      };
      return lookAt(sources, (mesh) => [
        ...serverExpectations(mesh, namespace),
        ...(clients ? clientExpectations(mesh, namespace) : []),
      ]);
    },
    draining: async (plan, signal) =>
      drainingNow(plan, await readMesh(plan.namespace, signal), readerFor(signal)),
    traffic: async (plan, signal, since) =>
      readTraffic(
        plan,
        {
          reader: readerFor(signal),
          mesh: await readMesh(plan.namespace, signal),
          now: () => effects.now(),
        },
        since,
      ),
    prove: async (plan, proof, signal) => {
      const { mode, workload } = proof;
      const only = {
        ...(workload === undefined ? {} : { workload: `${workload.kind}/${workload.name}` }),
        mutualTlsOnly: mode === 'PERMISSIVE',
      };
      const mesh = await readMesh(plan.namespace, signal);
      const namespaces = [plan.namespace];
      const probing = {
        cluster,
        now: () => effects.now(),
        sleep: (milliseconds: number) => effects.sleep(milliseconds, signal),
        nonce: () => effects.nonce(),
        signal,
      };
      const { probeImage: image } = options;
      const verification =
        image === undefined
          ? await verify(mesh, { namespaces, ...only }, probing)
          : await withProbePods(mesh, { namespaces, image }, probing, (probes) =>
              verify(mesh, { namespaces, ...only, probes }, probing),
            );
      return mode === 'STRICT'
        ? strictProof(plan, proof, mesh, verification.rows)
        : permissiveProof(plan, proof, verification.rows);
    },
  };
}

/** @throws PadlockError `CLUSTER_FORBIDDEN` where no way to the proxy is allowed, `CLUSTER_REQUEST_FAILED` where none works now */
async function readDump(admin: AdminReader, namespace: string, pod: string): Promise<ConfigDump> {
  const answer = await admin.get(namespace, pod, '/config_dump?include_eds');
  if (answer.ok) return parseConfigDump(answer.text, `${namespace}/${pod}`);
  throw new PadlockError(
    answer.forbidden ? 'CLUSTER_FORBIDDEN' : 'CLUSTER_REQUEST_FAILED',
    `cannot read what the proxy of ${namespace}/${pod} has loaded: ${answer.reasons.join('; ')}`,
    { hint: '`padlock rbac NAMESPACE --for secure` prints the rules that a rollout needs' },
  );
}

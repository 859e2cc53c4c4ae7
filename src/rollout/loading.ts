/** Whether proxies have loaded what is declared: posture says what they should do, their config dumps what they do. */
import { PadlockError } from '../errors.ts';
import type { ConfigDump, EnvoyDump } from '../evidence/envoy/config-dump.ts';
import { configured } from '../evidence/envoy/inbound.ts';
import { type OutboundCluster, outboundClusters } from '../evidence/envoy/outbound.ts';
import { serviceHost } from '../istio/hostname.ts';
import { edge } from '../mesh/edge.ts';
import { endpointsOf } from '../mesh/endpoints.ts';
import { inbound, portsOf } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import type { Pending } from './observer.ts';
import { holdRuleName } from './policies.ts';

/** What one proxy must have loaded; `behind` says in a sentence what it has not. */
export interface Expectation {
  readonly namespace: string;
  readonly pod: string;
  behind(dump: ConfigDump): string | undefined;
}

/** What every pod with a sidecar in the namespace must accept, port by port. */
export function serverExpectations(mesh: Mesh, namespace: string): readonly Expectation[] {
  return mesh.workloads
    .filter((workload) => workload.namespace === namespace && workload.dataplane === 'sidecar')
    .flatMap((workload) => {
      const wanted = portsOf(mesh, workload)
        .map((port) => inbound(mesh, workload, port))
        .filter((row) => row.captured);
      const behind = (dump: ConfigDump): string | undefined => {
        if (dump.kind !== 'envoy') return undefined;
        for (const { port, mode, mtls, plaintext } of wanted) {
          const loaded = configured(dump, port);
          if (loaded.mode === 'UNKNOWN') {
            return `what port ${port} accepts is not known: ${loaded.notes.join('; ')}`;
          }
          if (loaded.acceptsMtls !== mtls || loaded.acceptsPlaintext !== plaintext) {
            return `port ${port} is ${loaded.mode} still, ${mode} is declared`;
          }
        }
        return undefined;
      };
      return expectFrom(workload, behind);
    });
}

/** What every proxy of the mesh must send to each service port of the namespace. */
export function clientExpectations(mesh: Mesh, namespace: string): readonly Expectation[] {
  const ports = mesh.services
    .filter((service) => service.namespace === namespace)
    .flatMap((service) =>
      service.ports.map(({ port }) => ({
        host: serviceHost(service.name, namespace, mesh.config.clusterDomain),
        port,
      })),
    );
  return mesh.workloads
    .filter((workload) => workload.dataplane === 'sidecar' || workload.dataplane === 'gateway')
    .flatMap((client) => {
      const wanted = ports.map(({ host, port }) => ({
        host,
        port,
        ...sendsTo(mesh, client, host, port),
      }));
      const behind = (dump: ConfigDump): string | undefined => {
        if (dump.kind !== 'envoy') return undefined;
        return wanted.map((one) => behindTo(dump, one)).find((found) => found !== undefined);
      };
      return expectFrom(client, behind);
    });
}

/** Endpoints that fare differently, or none at all, are no sign of a change that is under way. */
function behindTo(
  dump: EnvoyDump,
  { host, port, sends, held }: Wanted & { readonly host: string; readonly port: number },
): string | undefined {
  if (sends === undefined) return undefined;
  const loaded = outboundClusters(dump, host, port).filter((cluster) => cluster.subset === '');
  // Under DISABLE clients send plaintext with and without the rule: only its name tells that it is loaded.
  if (loaded.some((cluster) => isHeld(cluster) !== held)) {
    return held
      ? `is not held on plaintext to ${host}:${port} yet`
      : `is held on plaintext to ${host}:${port} still`;
  }
  const other = loaded.flatMap((cluster) => cluster.endpoints).find((one) => one.sends !== sends);
  return other === undefined ? undefined : `sends ${other.sends} to ${host}:${port} still`;
}

function isHeld({ destinationRule }: OutboundCluster): boolean {
  return destinationRule?.endsWith(`/${holdRuleName}`) === true;
}

interface Wanted {
  /** What is to be sent to every endpoint of a port; undefined where that differs or is not known. */
  readonly sends: string | undefined;
  /** By the rule that holds clients on plaintext. */
  readonly held: boolean;
}

function sendsTo(mesh: Mesh, client: Workload, host: string, port: number): Wanted {
  const edges = endpointsOf(mesh, host, port)
    .filter((endpoint) => endpoint.ready)
    .map((endpoint) => edge(mesh, client, host, port, endpoint));
  const sends = new Set(edges.map((one) => one?.sends));
  const held = edges.some((one) =>
    one?.because.some(({ resource, beaten }) => resource?.name === holdRuleName && beaten !== true),
  );
  return { sends: sends.size === 1 ? [...sends][0] : undefined, held };
}

function expectFrom(workload: Workload, behind: Expectation['behind']): readonly Expectation[] {
  return workload.pods
    .filter((pod) => !pod.deleting && pod.phase === 'Running')
    .map((pod) => ({ namespace: workload.namespace, pod: pod.name, behind }));
}

/** How long a snapshot is good for: pods come and go while a rollout waits. */
const freshMs = 5_000;
/** Proxies asked at once. */
const atOnce = 8;

export interface LoadingSources {
  /** A snapshot of now, as a mesh. */
  readMesh(signal: AbortSignal): Promise<Mesh>;
  /** A proxy's config dump with its endpoints. */
  readDump(namespace: string, pod: string, signal: AbortSignal): Promise<ConfigDump>;
  now(): number;
}

/**
 * A look that can be repeated: each one asks only the proxies that were behind the last time, and reads the cluster anew
 * when what it knows has grown old.
 */
export function lookAt(
  sources: LoadingSources,
  expect: (mesh: Mesh) => readonly Expectation[],
): (signal: AbortSignal) => Promise<readonly Pending[]> {
  let left: readonly Expectation[] | undefined;
  let readAt = 0;
  return async (signal) => {
    if (left === undefined || sources.now() - readAt > freshMs) {
      readAt = sources.now();
      left = expect(await sources.readMesh(signal));
    }
    const pending: { readonly expectation: Expectation; readonly detail: string }[] = [];
    const queue = [...left];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const detail = await behindNow(next, sources, signal);
        if (detail !== undefined) pending.push({ expectation: next, detail });
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker));
    left = pending.map(({ expectation }) => expectation);
    return pending.map(({ expectation: { namespace, pod }, detail }) => ({
      pod: `${namespace}/${pod}`,
      detail,
    }));
  };
}

async function behindNow(
  expectation: Expectation,
  sources: LoadingSources,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return expectation.behind(await sources.readDump(expectation.namespace, expectation.pod, signal));
  } catch (error) {
    // A pod that ends, or a proxy that starts, does not answer now; the next look knows more.
    if (!(error instanceof PadlockError) || error.code === 'CLUSTER_FORBIDDEN') throw error;
    return error.message;
  }
}

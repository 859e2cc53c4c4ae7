/**
 * `padlock verify`: for each workload and port the four words joined. Reads the snapshot's posture, each proxy's
 * loaded configuration and certificates, what traffic did, probes from outside and inside, and draws a verdict for each row.
 */
import { inbound } from '../../mesh/inbound.ts';
import { type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload } from '../../mesh/workload.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { meshRootsOf } from '../certificates/inventory.ts';
import { type CertificateFinding, judgeCertificates } from '../certificates/judge.ts';
import type { ProxyCertificates } from '../certificates/workload-certificates.ts';
import { readSyncStatus, type SyncAnswer } from '../control-plane/read-sync-status.ts';
import { beginObservation } from '../observed/observe.ts';
import { optedOut } from '../probe/clients.ts';
import type { Container } from '../probe/curl.ts';
import { curlInBatches } from '../probe/curl-batches.ts';
import { Pace } from '../probe/pace.ts';
import type { ProbesByNamespace } from '../probe/probe-pods.ts';
import { type ProxyFacts, readProxy } from '../proxy/loaded.ts';
import { ProxyReader } from '../proxy/reader.ts';
import { type CircumstancesOf, circumstancesIn } from './circumstances.ts';
import { idOf } from './identities.ts';
import { limitsOf } from './limits.ts';
import { mutualTlsProbe } from './mutual-tls.ts';
import { observedColumn } from './observed-column.ts';
import { foreignTlsProbes, plaintextProbe } from './outside-probes.ts';
import { type ConfiguredPod, type PodSync, type Verdict, type VerifyRow, worstVerdict } from './row.ts';
import { clientFinder, factsOf, type Run, type VerifyEffects } from './run.ts';
import { type Target, type TargetOptions, targetsOf } from './targets.ts';
import { judge } from './verdict.ts';

export type { VerifyEffects } from './run.ts';

export interface VerifyOptions extends TargetOptions {
  /** Containers that were made for probing, by namespace. */
  readonly probes?: ProbesByNamespace;
  /** Look at what traffic does before the probes begin, and at access logs; absent: not at all. */
  readonly observe?: {
    /** How far back access logs are read, in milliseconds. */
    readonly lookBack: number;
    /** How long counters are watched at least, in milliseconds. */
    readonly atLeast: number;
  };
  /** Ask istiod what its proxies have acknowledged. */
  readonly proxyStatus?: boolean;
  /** Send no plaintext: where it is accepted, a connection that is kept outlives STRICT by the proxy's drain time. */
  readonly mutualTlsOnly?: boolean;
  /** Probes a second, over all pods; 250 when absent. */
  readonly rate?: number;
}

export interface Verification {
  readonly context: string;
  readonly namespaces: readonly string[];
  /** RFC 3339. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly verdict: Verdict;
  readonly rows: readonly VerifyRow[];
  /** What was left out, and what is plaintext by design. */
  readonly limits: readonly string[];
}

const podConcurrency = 8;
/** Probes wait more than they work: for answers, and for each other's runs of curl. */
const rowConcurrency = 96;
const defaultRate = 250;

/**
 * Proves, or fails to prove, every workload port that was asked for.
 * @param mesh of a snapshot that was just taken of the same cluster
 * @throws PadlockError `WORKLOAD_NOT_FOUND`, and what a broken connection throws; missing rights end in the rows
 */
export async function verify(
  mesh: Mesh,
  options: VerifyOptions,
  effects: VerifyEffects,
): Promise<Verification> {
  const startedAt = new Date(effects.now()).toISOString();
  const targets = targetsOf(mesh, options);
  const reader = new ProxyReader(effects);
  const [watching, facts, sync] = await Promise.all([
    beginObserving(mesh, options, targets, { ...effects, reader }),
    readProxies(targets, reader),
    options.proxyStatus === true ? readSyncStatus(mesh.config.rootNamespace, effects) : undefined,
  ]);
  // Before the probes, whose own plaintext counters could not tell from others'.
  const observation = await watching?.(mesh);
  const run: Run = {
    mesh,
    effects: { ...effects, curl: curlInBatches(effects.cluster, effects) },
    pace: new Pace(options.rate ?? defaultRate, effects),
    reader,
    facts,
    clients: clientFinder(mesh, options, effects, reader.admin),
    outsiders: proxyContainers(mesh, options.namespaces),
    probes: options.probes ?? new Map(),
    mutualTlsOnly: options.mutualTlsOnly === true,
    meshRoots: meshRootsOf(mesh),
  };
  const circumstances = circumstancesIn(mesh);
  const jobs = targets.flatMap((target) => target.ports.map((port, index) => ({ target, port, index })));
  // One port of each workload after the other: probes of one pod wait for each other.
  const inTurn = jobs.toSorted((a, b) => a.index - b.index);
  let done = 0;
  const rowOf = new Map<(typeof jobs)[number], VerifyRow>();
  await mapLimited(inTurn, rowConcurrency, async (job) => {
    const { target, port } = job;
    const observed = observedColumn(observation, target.workload.id, port);
    const columns = { ...(await columnsOf(run, target, port, circumstances, sync)), observed };
    const row = { ...columns, judgement: judge(columns) };
    rowOf.set(job, row);
    done++;
    effects.onProgress?.(done, jobs.length);
    effects.onRow?.(row);
  });
  const rows = jobs.flatMap((job) => rowOf.get(job) ?? []);
  return {
    context: effects.cluster.context,
    namespaces: options.namespaces ?? [...new Set(targets.map(({ workload }) => workload.namespace))],
    startedAt,
    finishedAt: new Date(effects.now()).toISOString(),
    verdict: worstVerdict(rows.map((row) => row.judgement.verdict)),
    rows,
    limits: limitsOf({ mesh, options, targets, rows, sync }),
  };
}

/** Begins to watch traffic; what is returned ends it. */
async function beginObserving(
  mesh: Mesh,
  options: VerifyOptions,
  targets: readonly Target[],
  effects: VerifyEffects & { readonly reader: ProxyReader },
) {
  const { observe, namespaces } = options;
  if (observe === undefined) return undefined;
  const asked = new Set(targets.map(({ workload }) => workload.id));
  const open = await beginObservation(
    mesh,
    {
      ...(namespaces === undefined ? {} : { namespaces }),
      wants: (workload) => asked.has(workload.id),
      lookBack: observe.lookBack,
    },
    effects,
  );
  return async (later: Mesh) => {
    const left = open.startedAt + observe.atLeast - effects.now();
    if (left > 0) await effects.sleep(left);
    return open.finish(later);
  };
}

async function readProxies(
  targets: readonly Target[],
  reader: ProxyReader,
): Promise<ReadonlyMap<string, ProxyFacts>> {
  const pods = targets
    .filter(({ workload }) => workload.dataplane === 'sidecar')
    .flatMap(({ workload, pods: list, ports }) => list.map((pod) => ({ workload, pod, ports })));
  const facts = await mapLimited(pods, podConcurrency, async ({ workload, pod, ports }) => {
    const read = await readProxy(reader, workload.namespace, pod.name, ports, pod.ips[0]);
    return [`${workload.namespace}/${pod.name}`, read] as const;
  });
  return new Map(facts);
}

/** Sidecars' own containers, whose traffic is not captured: callers from outside the mesh, to all but their own pod. */
function proxyContainers(mesh: Mesh, namespaces: readonly string[] | undefined): readonly Container[] {
  return workloads(mesh, namespaces)
    .filter((workload) => workload.dataplane === 'sidecar' && !optedOut(workload))
    .flatMap((workload) =>
      workload.pods
        .filter((pod) => pod.ready && !pod.deleting)
        .slice(0, 2)
        .map((pod) => ({ namespace: workload.namespace, pod: pod.name, container: 'istio-proxy' })),
    )
    .slice(0, 3);
}

async function columnsOf(
  run: Run,
  target: Target,
  port: number,
  circumstances: CircumstancesOf,
  sync: SyncAnswer | undefined,
): Promise<Omit<VerifyRow, 'judgement' | 'observed'>> {
  const { workload, pods } = target;
  const declared = inbound(run.mesh, workload, port);
  const probesAllowed = !optedOut(workload);
  const probed = probesAllowed ? pods : [];
  const names = pods.map((pod) => pod.name);
  const why = circumstances(workload, names, declared.policy);
  const [plaintext, foreign] = await Promise.all([
    Promise.all(
      (run.mutualTlsOnly ? [] : probed).map((pod) =>
        plaintextProbe(run, workload, pod, port, !declared.plaintext, why.policyChangedAt),
      ),
    ),
    // Only under STRICT does the proxy end every TLS itself.
    declared.captured && !declared.plaintext
      ? Promise.all(probed.map((pod) => foreignTlsProbes(run, workload, pod, port)))
      : [],
  ]);
  const foreignTls = foreign.flat();
  const served = pods.map(
    (pod) => foreignTls.find((probe) => probe.record.pod === pod.name)?.served?.chain[0]?.uris,
  );
  const positive =
    probed.length > 0 && declared.captured
      ? await mutualTlsProbe(
          run,
          target,
          port,
          served.every((uris) => uris !== undefined) ? served : undefined,
        )
      : { missing: declared.captured ? 'no pod may be probed' : 'no sidecar guards the port' };
  return {
    namespace: workload.namespace,
    workload: `${workload.kind}/${workload.name}`,
    workloadId: workload.id,
    port,
    pods: names,
    declared,
    configured: names.map((pod) => configuredOf(run, workload, pod, port)),
    sync: workload.dataplane === 'sidecar' ? syncOf(sync, workload, names) : [],
    circumstances: why,
    certificates: [
      ...names.flatMap((pod) => certificatesInDump(run, workload, pod)),
      ...foreignTls.flatMap(({ record, served: shown }) => judgeServed(run, workload, record.pod, shown)),
    ],
    plaintext,
    foreignTls: foreignTls.map(({ record }) => record),
    ...('missing' in positive ? { mutualTlsMissing: positive.missing } : { mutualTls: positive }),
    probesAllowed,
  };
}

function configuredOf(run: Run, workload: Workload, pod: string, port: number): ConfiguredPod {
  const facts = factsOf(run, workload, pod);
  if (facts === undefined) return { pod, unread: 'the pod has no sidecar', notAllowed: false };
  if (!facts.read) {
    const { why, notAllowed } = facts;
    return { pod, unread: why, notAllowed, ...(notAllowed ? { right: 'create pods/portforward' } : {}) };
  }
  const found = facts.byPort.get(port);
  return found === undefined
    ? { pod, unread: 'the proxy is no sidecar', notAllowed: false }
    : { pod, configured: found };
}

function syncOf(
  sync: SyncAnswer | undefined,
  workload: Workload,
  pods: readonly string[],
): readonly PodSync[] {
  if (sync?.read !== true) return [];
  return pods.flatMap((pod): readonly PodSync[] => {
    const known = sync.proxies.get(`${workload.namespace}/${pod}`);
    if (known === undefined) return sync.complete ? [{ pod, connected: false, stale: [] }] : [];
    const { stale, error } = known;
    return [{ pod, connected: true, stale, ...(error === undefined ? {} : { error }) }];
  });
}

function certificatesInDump(run: Run, workload: Workload, pod: string): VerifyRow['certificates'] {
  const facts = factsOf(run, workload, pod);
  if (facts?.read !== true) return [];
  const found = facts.certificates.flatMap((set) => judged(run, workload, pod, set));
  const { certificatesUnread: why } = facts;
  const unread: readonly CertificateFinding[] =
    why === undefined
      ? []
      : [{ problem: 'unreadable', severity: 'error', message: `a certificate in its dump is none: ${why}` }];
  return [...unread, ...found].map((finding) => ({ ...finding, pod, seen: 'dump' }));
}

function judgeServed(
  run: Run,
  workload: Workload,
  pod: string,
  served: ProxyCertificates | undefined,
): VerifyRow['certificates'] {
  if (served === undefined) return [];
  return judged(run, workload, pod, served)
    .filter(({ severity }) => severity === 'error')
    .map((finding) => ({ ...finding, pod, seen: 'handshake' }));
}

function judged(run: Run, workload: Workload, pod: string, set: ProxyCertificates) {
  const { namespace } = workload;
  const known = new Set(run.meshRoots.map((root) => root.fingerprint));
  const expectedId = idOf(run.mesh, workload);
  return judgeCertificates({ ...set, namespace, pod, expectedId }, run.effects.now(), known);
}

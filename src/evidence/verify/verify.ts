/**
 * `padlock verify`: for each workload and port the four words joined. Reads the snapshot's posture, each proxy's
 * loaded configuration and certificates, probes in plaintext and by mutual TLS, and draws a verdict for each row.
 */
import { PadlockError } from '../../errors.ts';
import { inbound, portsOf } from '../../mesh/inbound.ts';
import { controlPlaneOf, type Mesh, workloads } from '../../mesh/mesh.ts';
import type { Workload, WorkloadPod } from '../../mesh/workload.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { mapLimited } from '../../sources/kube/limit.ts';
import { AdminReader } from '../admin.ts';
import { meshRootFingerprints } from '../certificates/inventory.ts';
import { judgeCertificates } from '../certificates/judge.ts';
import type { EnvoyDump } from '../envoy/config-dump.ts';
import { type OutboundEndpoint, outboundClusters } from '../envoy/outbound.ts';
import { type ClientSearch, findMeshClient, type MeshClient, optedOut } from '../probe/clients.ts';
import { type Container, type Curl, NoCurl } from '../probe/curl.ts';
import { curlInBatches } from '../probe/curl-batches.ts';
import { type MutualTlsTarget, probeMutualTls } from '../probe/mutual-tls.ts';
import type { MutualTlsOutcome, ProbeRecord } from '../probe/outcome.ts';
import { probeForeignTls, probePlaintext } from '../probe/plaintext.ts';
import type { ProbesByNamespace } from '../probe/probe-pods.ts';
import { idOf } from './identities.ts';
import { type ProxyFacts, readClientDump, readProxy } from './proxies.ts';
import { type Route, routesTo } from './routes.ts';
import { type ConfiguredPod, type Verdict, type VerifyRow, worstVerdict } from './row.ts';
import { judge } from './verdict.ts';

export interface VerifyOptions {
  /** Absent: all. */
  readonly namespaces?: readonly string[];
  /** A workload's name, or KIND/NAME. */
  readonly workload?: string;
  /** Only these ports, declared or not; absent: those that containers declare and Services send to. */
  readonly ports?: readonly number[];
  /** Containers that were made for probing, by namespace. */
  readonly probes?: ProbesByNamespace;
}

export interface VerifyEffects {
  readonly cluster: Cluster;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A short random text for each probe, so that its traces can be told from others'. */
  readonly nonce: () => string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
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
const rowConcurrency = 48;

interface Target {
  readonly workload: Workload;
  readonly ports: readonly number[];
  readonly pods: readonly WorkloadPod[];
}

interface Run {
  readonly mesh: Mesh;
  readonly effects: VerifyEffects & { readonly curl: Curl };
  readonly admin: AdminReader;
  readonly facts: ReadonlyMap<string, ProxyFacts>;
  /** The client of each namespace, and the same for all where none was made for it. */
  readonly clients: ClientFinder;
  readonly outsiders: readonly Container[];
  readonly probes: ProbesByNamespace;
  readonly meshRoots: ReadonlySet<string>;
}

/** A client and what its sidecar has loaded. */
interface Client {
  readonly search: ClientSearch;
  readonly dump: EnvoyDump | undefined;
}

type ClientFinder = (namespace: string) => Promise<Client>;

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
  const admin = new AdminReader(effects.cluster, effects.signal);
  const facts = await readProxies(targets, admin);
  const probing = { ...effects, curl: curlInBatches(effects.cluster, effects.signal) };
  const run: Run = {
    mesh,
    effects: probing,
    admin,
    facts,
    clients: clientFinder(mesh, options, effects, admin),
    outsiders: proxyContainers(mesh, options.namespaces),
    probes: options.probes ?? new Map(),
    meshRoots: meshRootFingerprints(mesh),
  };
  const jobs = targets.flatMap((target) => target.ports.map((port) => ({ target, port })));
  let done = 0;
  const rows = await mapLimited(jobs, rowConcurrency, async ({ target, port }) => {
    const row = await verifyPort(run, target, port);
    done++;
    effects.onProgress?.(done, jobs.length);
    return row;
  });
  return {
    context: effects.cluster.context,
    namespaces: options.namespaces ?? [...new Set(targets.map(({ workload }) => workload.namespace))],
    startedAt,
    finishedAt: new Date(effects.now()).toISOString(),
    verdict: worstVerdict(rows.map((row) => row.judgement.verdict)),
    rows,
    limits: limitsOf(mesh, options, targets),
  };
}

function targetsOf(mesh: Mesh, options: VerifyOptions): readonly Target[] {
  const wanted = options.workload?.toLowerCase();
  const all = workloads(mesh, options.namespaces).filter(
    (workload) =>
      workload.from !== 'workload-entry' &&
      workload.dataplane !== 'gateway' &&
      workload.dataplane !== 'waypoint' &&
      (wanted === undefined ||
        [workload.name, `${workload.kind}/${workload.name}`].some((name) => name.toLowerCase() === wanted)),
  );
  if (wanted !== undefined && all.length === 0) {
    const names = workloads(mesh, options.namespaces).map(({ kind, name }) => `${kind}/${name}`);
    throw new PadlockError('WORKLOAD_NOT_FOUND', `there is no workload "${options.workload}"`, {
      hint:
        names.length === 0
          ? 'the namespace is empty'
          : `there are: ${[...new Set(names)].slice(0, 10).join(', ')}`,
    });
  }
  return all.map((workload) => ({
    workload,
    ports: options.ports ?? portsOf(mesh, workload),
    pods: workload.pods.filter(isServing),
  }));
}

function isServing(pod: WorkloadPod): boolean {
  return pod.phase === 'Running' && !pod.deleting;
}

async function readProxies(
  targets: readonly Target[],
  admin: AdminReader,
): Promise<ReadonlyMap<string, ProxyFacts>> {
  const pods = targets
    .filter(({ workload }) => workload.dataplane === 'sidecar')
    .flatMap(({ workload, pods: list, ports }) => list.map((pod) => ({ workload, pod, ports })));
  const facts = await mapLimited(pods, podConcurrency, async ({ workload, pod, ports }) => {
    const read = await readProxy(admin, workload.namespace, pod.name, ports, pod.ips[0]);
    return [`${workload.namespace}/${pod.name}`, read] as const;
  });
  return new Map(facts);
}

/** Looks for a client when the first probe needs one, and once. */
function clientFinder(
  mesh: Mesh,
  options: VerifyOptions,
  effects: VerifyEffects,
  admin: AdminReader,
): ClientFinder {
  const found = new Map<string, Promise<Client>>();
  const look = async (made: MeshClient | undefined): Promise<Client> => {
    const search: ClientSearch =
      made === undefined
        ? await findMeshClient(effects.cluster, mesh, options.namespaces, effects.signal)
        : { found: made };
    const dump =
      search.found === undefined
        ? undefined
        : await readClientDump(admin, search.found.namespace, search.found.pod);
    return { search, dump };
  };
  return (namespace) => {
    const made = options.probes?.get(namespace)?.client;
    const key = made === undefined ? '' : namespace;
    const known = found.get(key) ?? look(made);
    found.set(key, known);
    return known;
  };
}

/** Sidecars' own containers, whose traffic is not captured: plaintext callers where the pod proxy may not be used. */
function proxyContainers(mesh: Mesh, namespaces: readonly string[] | undefined): readonly Container[] {
  return workloads(mesh, namespaces)
    .filter((workload) => workload.dataplane === 'sidecar' && !optedOut(workload))
    .flatMap((workload) =>
      workload.pods
        .filter((pod) => pod.ready && !pod.deleting)
        .slice(0, 1)
        .map((pod) => ({ namespace: workload.namespace, pod: pod.name, container: 'istio-proxy' })),
    )
    .slice(0, 3);
}

async function verifyPort(run: Run, target: Target, port: number): Promise<VerifyRow> {
  const { workload, pods } = target;
  const declared = inbound(run.mesh, workload, port);
  const probesAllowed = !optedOut(workload);
  const plaintext = probesAllowed
    ? await Promise.all(pods.map((pod) => plaintextProbe(run, workload, pod, port, !declared.plaintext)))
    : [];
  const [outsider] = run.probes.get(workload.namespace)?.outsiders ?? [];
  const foreignTls =
    outsider === undefined || !probesAllowed
      ? []
      : await Promise.all(pods.map((pod) => foreignTlsProbe(run, workload, pod, port, outsider)));
  const positive =
    probesAllowed && pods.length > 0 && declared.captured
      ? await mutualTlsProbe(run, target, port)
      : { missing: 'no sidecar guards the port' };
  const columns = {
    namespace: workload.namespace,
    workload: `${workload.kind}/${workload.name}`,
    workloadId: workload.id,
    port,
    pods: pods.map((pod) => pod.name),
    declared,
    configured: pods.map((pod) => configuredOf(run, workload, pod.name, port)),
    certificates: pods.flatMap((pod) => certificatesOf(run, workload, pod.name)),
    plaintext,
    foreignTls: foreignTls.filter((probe) => probe !== undefined),
    ...('missing' in positive ? { mutualTlsMissing: positive.missing } : { mutualTls: positive }),
    probesAllowed,
  };
  return { ...columns, judgement: judge(columns) };
}

function configuredOf(run: Run, workload: Workload, pod: string, port: number): ConfiguredPod {
  const facts = run.facts.get(`${workload.namespace}/${pod}`);
  if (facts === undefined) return { pod, unread: 'the pod has no sidecar', notAllowed: false };
  if (!facts.read) return { pod, unread: facts.why, notAllowed: facts.notAllowed };
  const found = facts.byPort.get(port);
  return found === undefined
    ? { pod, unread: 'the proxy is no sidecar', notAllowed: false }
    : { pod, configured: found };
}

function certificatesOf(run: Run, workload: Workload, pod: string): VerifyRow['certificates'] {
  const facts = run.facts.get(`${workload.namespace}/${pod}`);
  if (facts?.read !== true) return [];
  const expectedId = idOf(run.mesh, workload);
  const now = run.effects.now();
  return facts.certificates
    .flatMap((set) =>
      judgeCertificates({ ...set, namespace: workload.namespace, pod, expectedId }, now, run.meshRoots),
    )
    .map((finding) => ({ ...finding, pod }));
}

async function plaintextProbe(
  run: Run,
  workload: Workload,
  pod: WorkloadPod,
  port: number,
  refusalExpected: boolean,
): Promise<VerifyRow['plaintext'][number]> {
  const at = new Date(run.effects.now()).toISOString();
  const target = { namespace: workload.namespace, pod: pod.name, port, address: pod.ips[0], refusalExpected };
  const callers = [...(run.probes.get(workload.namespace)?.outsiders ?? []), ...run.outsiders];
  const { outcome, caller } = await probePlaintext(target, callers, run.effects);
  return { pod: pod.name, target: `${workload.namespace}/${pod.name}:${port}`, caller, at, outcome };
}

async function foreignTlsProbe(
  run: Run,
  workload: Workload,
  pod: WorkloadPod,
  port: number,
  from: Container,
): Promise<VerifyRow['foreignTls'][number] | undefined> {
  const at = new Date(run.effects.now()).toISOString();
  const target = { namespace: workload.namespace, pod: pod.name, port, address: pod.ips[0] };
  const outcome = await probeForeignTls(target, from, run.effects);
  if (outcome === undefined) return undefined;
  const caller = `curl in ${from.namespace}/${from.pod} (${from.container})`;
  return { pod: pod.name, target: `${workload.namespace}/${pod.name}:${port}`, caller, at, outcome };
}

async function mutualTlsProbe(
  run: Run,
  target: Target,
  port: number,
): Promise<ProbeRecord<MutualTlsOutcome> | { readonly missing: string }> {
  const { workload } = target;
  const client = await run.clients(workload.namespace);
  const { search } = client;
  if (search.found === undefined) return { missing: search.why };
  const from = search.found;
  const { clusterDomain } = controlPlaneOf(run.mesh, workload.revision).config;
  const [route] = routesTo(run.mesh, workload, port, clusterDomain);
  if (route === undefined) return { missing: 'no Service leads to this port, so no mesh client can call it' };
  const url = `${route.host}:${route.port}`;
  const record = {
    target: url,
    caller: `curl in ${from.namespace}/${from.pod} (${from.container})`,
    at: new Date(run.effects.now()).toISOString(),
  };
  try {
    const outcome = await probeMutualTls(from, probeTarget(run, target, port, route, client, from), {
      ...run.effects,
      admin: run.admin,
    });
    return { ...record, outcome: explained(outcome, clientView(client, route), url) };
  } catch (error) {
    run.effects.signal?.throwIfAborted();
    if (error instanceof NoCurl) return { missing: 'the client has no curl any more' };
    if (!(error instanceof PadlockError)) throw error;
    const detail = error.message;
    return error.code === 'CLUSTER_FORBIDDEN'
      ? { ...record, outcome: { kind: 'not-allowed', right: 'create pods/exec', detail } }
      : { ...record, outcome: { kind: 'not-run', detail } };
  }
}

function probeTarget(
  run: Run,
  target: Target,
  port: number,
  route: Route,
  client: Client,
  from: MeshClient,
): MutualTlsTarget {
  const { workload, pods } = target;
  const server = idOf(run.mesh, workload);
  return {
    host: route.host,
    port: route.port,
    targetPort: port,
    bare: route.bare,
    pods: pods.map((pod) => ({ namespace: workload.namespace, pod: pod.name })),
    server,
    client: idOf(run.mesh, from.workload),
    serverVouched: serverVouched(run, target, clientView(client, route), server),
    others: route.others.map((other) => idOf(run.mesh, other)),
  };
}

/** Each pod's certificate was read and names the workload, or the client's sidecar takes no other name. */
function serverVouched(run: Run, target: Target, view: readonly OutboundEndpoint[], server: string): boolean {
  const { workload, pods } = target;
  const names = pods.map((pod) => {
    const facts = run.facts.get(`${workload.namespace}/${pod.name}`);
    return facts?.read === true ? facts.certificates.flatMap((set) => set.chain[0]?.uris ?? []) : [];
  });
  if (names.every((uris) => uris.includes(server))) return true;
  const expected = view.flatMap((endpoint) => endpoint.expectedServers);
  return expected.length > 0 && expected.every((name) => name === server);
}

function clientView(client: Client, route: Route): readonly OutboundEndpoint[] {
  if (client.dump === undefined) return [];
  return outboundClusters(client.dump, route.host, route.port).flatMap((cluster) => cluster.endpoints);
}

/** Adds why a request did not get through, where the client's own configuration tells. */
function explained(
  outcome: MutualTlsOutcome,
  view: readonly OutboundEndpoint[],
  url: string,
): MutualTlsOutcome {
  if (outcome.kind !== 'unavailable' && outcome.kind !== 'unrecorded') return outcome;
  if (view.length === 0 || !view.every((endpoint) => endpoint.sends === 'plaintext')) return outcome;
  return { kind: 'plaintext', detail: `the client’s sidecar is told to send plaintext to ${url}` };
}

function limitsOf(mesh: Mesh, options: VerifyOptions, targets: readonly Target[]): readonly string[] {
  const inScope = workloads(mesh, options.namespaces);
  const gateways = inScope.filter(({ dataplane }) => dataplane === 'gateway' || dataplane === 'waypoint');
  const ambient = inScope.filter(({ dataplane }) => dataplane === 'ambient');
  const silent = targets.filter(({ workload, ports }) => workload.from === 'pods' && ports.length === 0);
  return [
    'ports 15020, 15021 and 15090 of every sidecar answer in plaintext by design (metrics and health)',
    'observed traffic was not looked at: probes speak for themselves, not for your clients',
    ...gateways.map(
      ({ namespace, name }) => `${namespace}/${name} is a gateway: PeerAuthentication does not apply to it`,
    ),
    ...ambient.map(
      ({ namespace, name }) => `${namespace}/${name} is in ambient mode: its node’s ztunnel holds the policy`,
    ),
    ...silent.map(
      ({ workload }) =>
        `${workload.namespace}: ${workload.kind}/${workload.name} has no port; name one with --port`,
    ),
    ...mesh.snapshot.unseen.map(
      ({ resource, namespace, reason }) =>
        `not seen: ${resource}${namespace === undefined ? '' : ` in ${namespace}`} (${reason})`,
    ),
  ];
}

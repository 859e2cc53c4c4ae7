/** The whole chain of one answer, level by level with those that are empty, and the one field that alters it. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { DeclaredMode } from '../../istio/peer-authentication.ts';
import { type Edge, edgesFrom, edgesTo, type Outcome, type Sends } from '../edge.ts';
import { endpointsOf } from '../endpoints.ts';
import { workloadRef } from '../findings/wording.ts';
import { arrival, composedMode, effectiveMode, type Inbound, inbound } from '../inbound.ts';
import { buildMesh, controlPlaneOf, type Mesh } from '../mesh.ts';
import type { Reason } from '../reason.ts';
import { outboundPolicy } from '../visibility.ts';
import type { Workload } from '../workload.ts';
import { type Candidate, edgeCandidates, portCandidates } from './levers.ts';
import type { CallQuestion } from './question.ts';

/** One level of the server's side. */
export interface LevelRow {
  readonly level: 'mesh' | 'namespace' | 'workload' | 'port';
  /** Absent: no policy stands there. */
  readonly says?: DeclaredMode;
  readonly decides: boolean;
  readonly reason?: Reason;
}

/** The server's side: what its port takes, and why. */
export interface ServerSide {
  readonly workload: Workload;
  readonly port: number;
  readonly inbound: Inbound;
  /** Empty where no sidecar holds policies, and for ambient workloads, whose reasons are in `reasons`. */
  readonly levels: readonly LevelRow[];
  /** What is not told by the levels: capture, policies that are ignored. */
  readonly reasons: readonly Reason[];
}

/** A change that was tried on a copy of what was read. */
export interface Lever extends Omit<Candidate, 'after'> {
  /** What the answer then is, in words. */
  readonly then: string;
}

export interface CallAnswer {
  readonly client: Workload;
  /** The called host; absent for a call to a pod's own address. */
  readonly host?: string;
  readonly port: number;
  /** Absent: whoever is at the address was not read. */
  readonly server?: ServerSide;
  readonly serverName: string;
  readonly targetPort: number;
  readonly sends: Sends;
  readonly outcome: Outcome;
  /** The route and the client's side. */
  readonly reasons: readonly Reason[];
  readonly verdict: string;
  /** The closest change that alters the answer; absent where no single field does. */
  readonly lever?: Lever;
}

export interface PortAnswer {
  readonly server: ServerSide;
  /** Clients that call the port through some host, by what comes of it. */
  readonly callers: Readonly<Record<Outcome, readonly string[]>>;
  readonly lever?: Lever;
}

/** Every way that the call may take, the likeliest first; ways that come to the same at one server are told once. */
export function explainCall(mesh: Mesh, question: CallQuestion): readonly CallAnswer[] {
  const { host, port, clients, servers } = question;
  if (host === undefined) {
    return clients.flatMap((client) => (servers ?? []).map((server) => direct(mesh, client, server, port)));
  }
  const answers: CallAnswer[] = [];
  const seen = new Set<string>();
  for (const client of clients) {
    for (const edge of edgesFrom(mesh, client, host.host, port)) {
      if (servers !== undefined && (edge.server === undefined || !servers.includes(edge.server))) continue;
      const key = `${client.id} ${edge.serverName} ${edge.targetPort} ${edge.sends} ${edge.outcome}`;
      if (seen.has(key)) continue;
      seen.add(key);
      answers.push(answerOf(mesh, edge));
    }
  }
  return answers;
}

export function explainPort(mesh: Mesh, workload: Workload, port: number): PortAnswer {
  const lever = firstThat(mesh, portCandidates(mesh, workload, port), (after) => {
    const again = sameWorkload(after, workload);
    if (again === undefined) return undefined;
    const before = inbound(mesh, workload, port);
    const now = inbound(after, again, port);
    return now.plaintext === before.plaintext && now.mtls === before.mtls ? undefined : acceptsWords(now);
  });
  return {
    server: serverSide(mesh, workload, port),
    callers: callersOf(mesh, workload, port),
    ...(lever === undefined ? {} : { lever }),
  };
}

/** `mutual TLS only`, `mutual TLS and plaintext`, ... */
export function acceptsWords({ mtls, plaintext }: Pick<Inbound, 'mtls' | 'plaintext'>): string {
  if (mtls) return plaintext ? 'it takes mutual TLS and plaintext' : 'it takes mutual TLS only';
  return 'it takes plaintext only';
}

function answerOf(mesh: Mesh, edge: Edge): CallAnswer {
  const { client, server, targetPort, because } = edge;
  const told = server === undefined ? 1 : inbound(mesh, server, targetPort).because.length;
  const reasons = because.slice(0, because.length - 1 - told);
  const lever = edgeLever(mesh, edge);
  return {
    client,
    host: edge.host,
    port: edge.port,
    ...(server === undefined ? {} : { server: serverSide(mesh, server, targetPort) }),
    serverName: edge.serverName,
    targetPort,
    sends: edge.sends,
    outcome: edge.outcome,
    reasons: client.kind === '' ? reasons.map(({ text }) => ({ text })) : reasons,
    verdict: because.at(-1)?.text ?? '',
    ...(lever === undefined ? {} : { lever }),
  };
}

/** What is better than what is; for an edge in mutual TLS it is whether plaintext is taken besides. */
function edgeLever(mesh: Mesh, edge: Edge): Lever | undefined {
  const wanted = (accept: (outcome: Outcome) => boolean) => (after: Mesh) => {
    const again = sameEdge(after, edge);
    return again === undefined || !accept(again.outcome) ? undefined : (again.because.at(-1)?.text ?? '');
  };
  if (edge.outcome === 'mtls') {
    const { server, targetPort } = edge;
    if (server === undefined) return undefined;
    const before = inbound(mesh, server, targetPort).plaintext;
    return firstThat(mesh, edgeCandidates(mesh, edge), (after) => {
      const again = sameWorkload(after, server);
      if (again === undefined) return undefined;
      const now = inbound(after, again, targetPort);
      return now.plaintext === before ? undefined : `this call stays mutual TLS, and ${acceptsWords(now)}`;
    });
  }
  return (
    firstThat(
      mesh,
      edgeCandidates(mesh, edge),
      wanted((outcome) => outcome === 'mtls'),
    ) ??
    (edge.outcome === 'refused'
      ? firstThat(
          mesh,
          edgeCandidates(mesh, edge),
          wanted((outcome) => outcome !== 'refused'),
        )
      : undefined)
  );
}

/** The first candidate that leads where it should; the words say where. */
function firstThat(
  mesh: Mesh,
  candidates: Iterable<Candidate>,
  judge: (after: Mesh) => string | undefined,
): Lever | undefined {
  for (const { after, ...candidate } of candidates) {
    const then = judge(buildMesh({ ...mesh.snapshot, ...after() }));
    if (then !== undefined) return { ...candidate, then };
  }
  return undefined;
}

/** A changed pod may be counted to another variant of its workload, so the pods' names tell. */
function sameWorkload(after: Mesh, { namespace, kind, name, pods }: Workload): Workload | undefined {
  const [pod] = pods;
  return after.workloadsByNamespace
    .get(namespace)
    ?.find(
      (workload) =>
        workload.kind === kind &&
        workload.name === name &&
        (pod === undefined || workload.pods.some((candidate) => candidate.name === pod.name)),
    );
}

function sameEdge(after: Mesh, edge: Edge): Edge | undefined {
  const client = edge.client.kind === '' ? edge.client : sameWorkload(after, edge.client);
  const server = edge.server === undefined ? undefined : sameWorkload(after, edge.server);
  if (client === undefined) return undefined;
  return edgesFrom(after, client, edge.host, edge.port).find(
    (candidate) =>
      candidate.targetPort === edge.targetPort &&
      (edge.server === undefined ? candidate.serverName === edge.serverName : candidate.server === server),
  );
}

function serverSide(mesh: Mesh, workload: Workload, port: number): ServerSide {
  const at = inbound(mesh, workload, port);
  if (!at.captured || workload.dataplane !== 'sidecar') {
    return { workload, port, inbound: at, levels: [], reasons: at.because };
  }
  // Worked out anew at each look, so that one list serves both.
  const because = at.because;
  const levels = levelRows(mesh, workload, port, because);
  const inLevels = new Set(levels.map(({ reason }) => reason));
  return {
    workload,
    port,
    inbound: at,
    levels,
    reasons: because.filter((reason) => !inLevels.has(reason)),
  };
}

/** Mesh, namespace, workload, port, with those that nobody speaks for. */
function levelRows(
  mesh: Mesh,
  workload: Workload,
  port: number,
  because: readonly Reason[],
): readonly LevelRow[] {
  const composed = composedMode(mesh, workload);
  const { scope } = effectiveMode(mesh, workload, port);
  const rows = (['mesh', 'namespace', 'workload'] as const).map((level): LevelRow => {
    const found = composed.levels.find((candidate) => candidate.scope === level);
    if (found === undefined) return { level, decides: false };
    const reason = because.find(
      ({ resource, field }) =>
        resource !== undefined &&
        formatRef(resource) === formatRef(found.policy.ref) &&
        field === 'spec.mtls.mode',
    );
    return {
      level,
      says: found.mode,
      decides: scope === level,
      ...(reason === undefined ? {} : { reason }),
    };
  });
  const own = composed.ports.get(port);
  const reason = because.find(({ field }) => field === `spec.portLevelMtls.${port}.mode`);
  return [
    ...rows,
    {
      level: 'port',
      ...(own === undefined ? {} : { says: own.declared }),
      decides: scope === 'port',
      ...(reason === undefined ? {} : { reason }),
    },
  ];
}

function callersOf(mesh: Mesh, workload: Workload, port: number): PortAnswer['callers'] {
  const callers = {
    mtls: new Set<string>(),
    tls: new Set<string>(),
    plaintext: new Set<string>(),
    refused: new Set<string>(),
  };
  for (const host of mesh.hosts.values()) {
    const leads = host.ports.some((candidate) =>
      endpointsOf(mesh, host.host, candidate.port).some(
        (endpoint) => endpoint.workload === workload && endpoint.targetPort === port,
      ),
    );
    if (!leads) continue;
    for (const edge of edgesTo(mesh, host.host)) {
      if (edge.server !== workload || edge.targetPort !== port) continue;
      for (const client of edge.clients) {
        if (client !== workload) callers[edge.outcome].add(`${client.namespace}/${client.name}`);
      }
    }
  }
  const sorted = (names: ReadonlySet<string>): readonly string[] => [...names].sort();
  return {
    mtls: sorted(callers.mtls),
    tls: sorted(callers.tls),
    plaintext: sorted(callers.plaintext),
    refused: sorted(callers.refused),
  };
}

/** A call to a pod's own address: a sidecar passes it on as it is, because it knows no service there. */
function direct(mesh: Mesh, client: Workload, server: Workload, port: number): CallAnswer {
  const tunnel = client.dataplane === 'ambient' && server.dataplane === 'ambient';
  const proxied = client.dataplane === 'sidecar' || client.dataplane === 'gateway';
  const dropped =
    proxied && outboundPolicy(controlPlaneOf(mesh, client.revision), client) === 'REGISTRY_ONLY';
  const sends: Sends = tunnel ? 'istio-mtls' : 'plaintext';
  const outcome: Outcome = dropped ? 'refused' : arrival(mesh, server, port, sends);
  const reason: Reason = tunnel
    ? { text: "the client's node proxy knows the pod's address and tunnels to it in mutual TLS" }
    : proxied
      ? {
          text: `the call goes to the pod's own address, for which the client's proxy has no service: it ${dropped ? 'is dropped (REGISTRY_ONLY)' : 'passes the bytes on as plaintext, whatever DestinationRules and policies say; a call by a Service would not'}`,
        }
      : { text: 'the client has no sidecar: it sends plaintext, as far as the mesh knows' };
  const lever = outcome === 'refused' && !dropped ? explainPort(mesh, server, port).lever : undefined;
  return {
    client,
    port,
    server: serverSide(mesh, server, port),
    serverName: `${server.namespace}/${server.name}`,
    targetPort: port,
    sends,
    outcome,
    reasons: [
      client.kind === '' ? reason : { ...reason, resource: workloadRef(client), origin: client.origin },
    ],
    verdict: {
      mtls: "Istio mutual TLS is sent and ended by the server's proxy: it works",
      plaintext: 'plaintext is sent and reaches the application',
      tls: 'TLS is sent and reaches the application',
      refused: `${tunnel ? 'mutual TLS' : 'plaintext'} is sent and refused`,
    }[outcome],
    ...(lever === undefined ? {} : { lever }),
  };
}

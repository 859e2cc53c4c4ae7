/** The plan's answer: what was seen, what would break, what must stay open, and what could not be seen. Pure. */

import {
  amount,
  blindSpots,
  type Observation,
  type ObservedPort,
  type Sender,
  trafficVerdict,
} from '../evidence/observed/observation.ts';
import type { ObjectRef } from '../istio/kubernetes.ts';
import { isFinished } from '../mesh/findings/mesh-membership.ts';
import { list } from '../mesh/findings/wording.ts';
import { composedMode, portsOf } from '../mesh/inbound.ts';
import type { Mesh } from '../mesh/mesh.ts';
import type { Workload } from '../mesh/workload.ts';
import type { Breaker } from './breaker.ts';
import { findBreakers } from './breakers/all.ts';
import { type Exception, type ExceptionTerms, exceptionsFor, type Need } from './exceptions.ts';
import { willHaveSidecar, wouldRefusePlaintext } from './strict-ports.ts';
import type { Target } from './target.ts';

/**
 * `would-break`: somebody was seen, or is named by configuration, whom the target refuses. `inconclusive`: nobody was, and not
 * everything could be seen. `ready`: everything was seen, and nobody was.
 */
export type Answer = 'would-break' | 'inconclusive' | 'ready';

/** Somebody who sends plaintext to a port that the target closes. */
export interface RefusedSender {
  readonly workload: ObjectRef;
  /** Absent where counters do not tell it. */
  readonly port?: number;
  readonly sender: Sender;
}

export interface NamespacePlan {
  readonly context: string;
  readonly namespace: string;
  /** RFC 3339. */
  readonly at: string;
  readonly target: string;
  readonly answer: Answer;
  /** False where every port that the target closes refuses plaintext today. */
  readonly closesPorts: boolean;
  /** Absent: traffic was not looked at. */
  readonly observation?: Observation;
  readonly senders: readonly RefusedSender[];
  readonly breakers: readonly Breaker[];
  readonly exceptions: readonly Exception[];
  /** Ports that nothing came to: what calls them rarely is not known. */
  readonly quiet: readonly { readonly workload: ObjectRef; readonly port: number }[];
  /** What could not be looked at, in sentences. */
  readonly unseen: readonly string[];
  /** What is true whatever was seen, and easily forgotten. */
  readonly notes: readonly string[];
}

export interface PlanInput {
  readonly context: string;
  readonly namespace: string;
  readonly at: string;
  readonly mesh: Mesh;
  readonly target: Target;
  readonly observation: Observation | undefined;
  readonly terms: ExceptionTerms;
}

export function planNamespace(input: PlanInput): NamespacePlan {
  const { context, namespace, at, mesh, target, observation, terms } = input;
  const breakers = findBreakers({ namespace, mesh, target: target.mesh });
  const senders = observation === undefined ? [] : refusedSenders(input, observation);
  const quiet = quietPorts(input, observation);
  const closesPorts = closesAnyPort(input);
  const unseen = unseenSentences(input);
  const certain = senders.length > 0 || breakers.some(({ certainty }) => certainty === 'breaks');
  const open =
    quiet.length > 0 || unseen.length > 0 || breakers.some(({ certainty }) => certainty === 'may-break');
  return {
    context,
    namespace,
    at,
    target: target.text,
    answer: certain ? 'would-break' : open ? 'inconclusive' : 'ready',
    closesPorts,
    ...(observation === undefined ? {} : { observation }),
    senders,
    breakers,
    exceptions: exceptionsFor(target.mesh, needs(target.mesh, senders, breakers), terms),
    quiet,
    unseen,
    notes: [...logNotes(observation), ...closedAlreadyNotes(input), ...notesFor(mesh, namespace)],
  };
}

/** Today's mesh and the target. */
type Switch = Pick<PlanInput, 'mesh' | 'target'>;

function closesAnyPort({ namespace, mesh, target }: Switch & { readonly namespace: string }): boolean {
  const here = target.mesh.workloads.filter((one) => one.namespace === namespace && !isFinished(one));
  return (
    here.every((workload) => portsOf(target.mesh, workload).length === 0) ||
    here.some((workload) => closes({ mesh, target }, workload, undefined))
  );
}

function refusedSenders(input: Switch, observation: Observation): readonly RefusedSender[] {
  return observation.ports.flatMap((row) => {
    const workload = workloadOf(input.target.mesh, row);
    if (workload === undefined || !closes(input, workload, row.port)) return [];
    return row.senders
      .filter((sender) => sender.security !== 'mtls' && amount(sender) > 0)
      .map((sender) => ({
        workload: refOf(workload),
        ...(row.port === undefined ? {} : { port: row.port }),
        sender,
      }));
  });
}

/** Whether the target refuses plaintext that today's policies let in. Without a port: any of the workload's may be meant. */
function closes({ mesh, target }: Switch, workload: Workload, port: number | undefined): boolean {
  const ports = port === undefined ? portsOf(target.mesh, workload) : [port];
  return ports.some(
    (one) => wouldRefusePlaintext(target.mesh, workload, one) && !refusesPlaintext(mesh, workload.id, one),
  );
}

function refusesPlaintext(mesh: Mesh, workloadId: string, port: number): boolean {
  const workload = mesh.workloads.find(({ id }) => id === workloadId);
  return workload?.dataplane === 'sidecar' && wouldRefusePlaintext(mesh, workload, port);
}

function workloadOf(mesh: Mesh, row: ObservedPort): Workload | undefined {
  return mesh.workloads.find(({ id }) => id === row.workloadId);
}

function refOf({ kind, namespace, name }: Workload): ObjectRef {
  return { kind, namespace, name };
}

function needs(
  target: Mesh,
  senders: readonly RefusedSender[],
  breakers: readonly Breaker[],
): readonly Need[] {
  const ofSenders = senders.flatMap(({ workload: ref, port, sender }): readonly Need[] => {
    // Who has a sidecar is to use it: a rule or an annotation is in the way, and that is to be mended.
    if (port === undefined || sender.meshed) return [];
    const workload = target.workloads.find(
      ({ kind, namespace, name }) => kind === ref.kind && namespace === ref.namespace && name === ref.name,
    );
    if (workload === undefined) return [];
    const who =
      sender.namespace === undefined ? sender.name : `${sender.name} of namespace ${sender.namespace}`;
    // Somebody at a keyboard, by the API server's proxy, is no reason to leave a port open.
    const certain = !byHand(sender);
    return [{ workload, port, certain, reason: `${who} sends plaintext` }];
  });
  const ofBreakers = breakers.flatMap(({ exceptions, certainty, message }) =>
    exceptions.map(
      (port): Need => ({ ...port, certain: certainty === 'breaks', reason: message.replace(/\.$/, '') }),
    ),
  );
  return [...ofSenders, ...ofBreakers];
}

function byHand({ userAgents }: Sender): boolean {
  return userAgents.length > 0 && userAgents.every((agent) => agent.startsWith('kubectl/'));
}

function quietPorts(input: Switch, observation: Observation | undefined): NamespacePlan['quiet'] {
  if (observation === undefined) return [];
  const elsewhere = new Set(
    observation.ports.filter(({ port }) => port === undefined).map(({ workloadId }) => workloadId),
  );
  return observation.ports.flatMap((row) => {
    const workload = workloadOf(input.target.mesh, row);
    const { port } = row;
    if (workload === undefined || port === undefined || trafficVerdict(row) !== 'quiet') return [];
    // What the counters saw of the workload may have been here.
    if (elsewhere.has(row.workloadId) || !closes(input, workload, port)) return [];
    return [{ workload: refOf(workload), port }];
  });
}

function unseenSentences({ namespace, mesh, target, observation }: PlanInput): readonly string[] {
  const ofSnapshot = snapshotSentences(mesh, namespace);
  const bare = target.mesh.workloads
    .filter((one) => one.namespace === namespace && one.dataplane === 'none' && !isFinished(one))
    .filter((one) => willHaveSidecar(target.mesh, one) && portsOf(target.mesh, one).length > 0)
    .map(({ kind, name }) => `${kind} ${name} has no sidecar yet: nothing counts what it receives`);
  const none = target.mesh.workloads.every(
    (one) => one.namespace !== namespace || one.dataplane !== 'sidecar',
  )
    ? [`no workload of ${namespace} has a sidecar: nothing can be observed, and STRICT would hold nowhere`]
    : [];
  if (observation === undefined) {
    return ['traffic: it was not looked at', ...none, ...bare, ...ofSnapshot];
  }
  const rows = observation.ports.flatMap((row) => blindSpots(observation, row));
  const others = observation.unseen.filter(({ workload }) => workload === undefined);
  const ofTraffic = [...new Set([...rows, ...others])].map(
    ({ source, workload, pod, reason, right }) =>
      `${source} of ${workload ?? namespace}${pod === undefined ? '' : ` (${pod})`}: ${reason}${right === undefined ? '' : ` [missing right: ${right}]`}`,
  );
  return [...new Set([...ofTraffic, ...none, ...bare, ...ofSnapshot])];
}

/** What may not be listed elsewhere is one sentence: with rights in one namespace that is nearly everything. */
function snapshotSentences(mesh: Mesh, namespace: string): readonly string[] {
  const { unseen } = mesh.snapshot;
  const elsewhere = unseen.filter((one) => one.namespace === undefined).map(({ resource }) => resource);
  const here = unseen
    .filter((one) => one.namespace === namespace)
    .map(({ resource, reason }) => `${resource} in namespace ${namespace}: ${reason}`);
  if (elsewhere.length === 0) return here;
  const kinds = list(
    [...new Set(elsewhere)].map((resource) => resource.split('.')[0] ?? resource),
    8,
  );
  return [...here, `other namespaces: not allowed to list ${kinds}`];
}

/** Counts stand without an access log; refusals and the names of senders do not. */
function logNotes(observation: Observation | undefined): readonly string[] {
  const namesOnly = (observation?.unseen ?? []).filter((one) => one.namesOnly === true);
  return [...Map.groupBy(namesOnly, ({ reason }) => reason)].map(([reason, of]) => {
    const workloads = new Set(of.map(({ namespace, workload }) => workload ?? namespace ?? 'all'));
    return `Access log of ${list([...workloads], 5)}: ${reason}.`;
  });
}

/** Plaintext that was let in before the policy of today: no reason against it, and not to be passed over in silence. */
function closedAlreadyNotes({ mesh, target, observation }: PlanInput): readonly string[] {
  const places = (observation?.ports ?? []).flatMap((row) => {
    const workload = workloadOf(target.mesh, row);
    const { port } = row;
    if (workload === undefined || port === undefined || amount(row.plaintext) === 0) return [];
    return refusesPlaintext(mesh, workload.id, port) ? [`${workload.kind}/${workload.name} :${port}`] : [];
  });
  if (places.length === 0) return [];
  return [
    `Plaintext was let in at ${list(places, 5)}, which today’s policies close: it came before them, or a proxy has not loaded them. \`padlock verify\` tells which.`,
  ];
}

function notesFor(mesh: Mesh, namespace: string): readonly string[] {
  const modes = new Set(
    mesh.workloads
      .filter((workload) => workload.namespace === namespace && workload.dataplane === 'sidecar')
      .map((workload) => composedMode(mesh, workload).mode),
  );
  return [
    ...(modes.has('DISABLE')
      ? [
          'A part of the namespace is at DISABLE: applying STRICT at once loses requests, also by way of PERMISSIVE. `padlock secure` leaves DISABLE without losing any.',
        ]
      : []),
    'Ports 15020, 15021 and 15090 of every sidecar stay plaintext under STRICT.',
    'A request or connection is in an access log when it ends; long streams that are still open are seen by counters only (TCP), or not at all (HTTP).',
  ];
}

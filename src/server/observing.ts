/** Live traffic for the graph, from the first question on: what was seen since then, in one observation after another. */
import type { Observation, ObservedPort, Sender } from '../evidence/observed/observation.ts';
import { beginObservation, type OpenObservation } from '../evidence/observed/observe.ts';
import type { ObservedCall } from '../mesh/graph/observed.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { Source } from './source.ts';
import type { ObservedView } from './wire.ts';

/** Calls before the first question: as far as access logs reach back. */
const lookBackMs = 600_000;
/** How long one observation goes on before the next takes over. */
const longestMs = 300_000;

export class Observing {
  readonly #source: Source;
  readonly #cluster: Cluster;
  readonly #now: () => number;
  #open: Promise<OpenObservation> | undefined;
  #looking: Promise<ObservedView> | undefined;
  /** What the observations before this one saw. */
  #earlier: ObservedView | undefined;

  constructor(source: Source, cluster: Cluster, now: () => number) {
    this.#source = source;
    this.#cluster = cluster;
    this.#now = now;
  }

  /** Questions that come while one is answered get the same answer. */
  look(): Promise<ObservedView> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<ObservedView> {
    const open = await this.#opened();
    if (this.#now() - open.startedAt > longestMs) return this.#turnOver(open);
    return this.#joined(observedView(await open.finish(this.#source.look.mesh)));
  }

  /** Access logs are read from an observation's beginning on: one that goes on for hours would read them whole each time. */
  async #turnOver(open: OpenObservation): Promise<ObservedView> {
    // The next one begins before this one ends: what comes in between counts twice rather than never.
    const next = await this.#begin(0);
    const view = this.#joined(observedView(await open.finish(this.#source.look.mesh)));
    this.#earlier = view;
    this.#open = Promise.resolve(next);
    return view;
  }

  #opened(): Promise<OpenObservation> {
    this.#open ??= this.#begin(lookBackMs).catch((error: unknown) => {
      this.#open = undefined;
      throw error;
    });
    return this.#open;
  }

  #begin(lookBack: number): Promise<OpenObservation> {
    const { namespaces, look } = this.#source;
    return beginObservation(
      look.mesh,
      { lookBack, ...(namespaces === undefined ? {} : { namespaces }) },
      { cluster: this.#cluster, now: this.#now },
    );
  }

  #joined(view: ObservedView): ObservedView {
    const earlier = this.#earlier;
    if (earlier === undefined) return view;
    return { ...view, from: earlier.from, calls: joinedCalls([...earlier.calls, ...view.calls]) };
  }
}

/** The same call seen in several windows is one; nothing that was seen is forgotten. */
export function joinedCalls(calls: readonly ObservedCall[]): readonly ObservedCall[] {
  const joined = new Map<string, ObservedCall>();
  for (const call of calls) {
    const key = JSON.stringify([call.client, call.server, call.port, call.by]);
    const before = joined.get(key);
    joined.set(
      key,
      before === undefined
        ? call
        : {
            ...call,
            mtls: before.mtls + call.mtls,
            plaintext: before.plaintext + call.plaintext,
            unknown: before.unknown + call.unknown,
            refused: before.refused + call.refused,
          },
    );
  }
  return [...joined.values()];
}

export function observedView(observation: Observation): ObservedView {
  return {
    from: observation.window.from,
    to: observation.window.to,
    calls: observation.ports.flatMap((port) =>
      port.senders
        .filter(({ kind }) => kind !== 'self' && kind !== 'padlock')
        .map((sender) => callOf(port, sender)),
    ),
    sources: observation.sources.map(({ source, coverage }) => `${source}: ${coverage}`),
    unseen: observation.unseen.map(
      ({ source, namespace, workload, reason }) =>
        `${source}${workload === undefined ? '' : ` of ${namespace ?? ''}/${workload}`}: ${reason}`,
    ),
  };
}

function callOf(port: ObservedPort, sender: Sender): ObservedCall {
  const count = sender.requests + Math.max(sender.connections, sender.open);
  return {
    client: clientId(sender),
    server: port.workloadId,
    ...(port.port === undefined ? {} : { port: port.port }),
    mtls: sender.security === 'mtls' ? count : 0,
    plaintext: sender.security === 'plaintext' ? count : 0,
    unknown: sender.security === 'other-tls' ? count : 0,
    refused: sender.refused,
    by: `${sender.knownBy.join(', ')}: ${sender.because}`,
  };
}

/** A workload's id as the mesh has it (`NAMESPACE/KIND/NAME`); whoever is no workload stands outside. */
function clientId({ kind, namespace, name }: Sender): string {
  const isWorkload = kind === 'workload' || kind === 'gateway';
  const [ownerKind, ownerName] = name.split(' ');
  return isWorkload && namespace !== undefined && ownerName !== undefined
    ? `${namespace}/${ownerKind}/${ownerName}`
    : `outside:${name}`;
}

/** Live traffic for the graph: one observation from the first question on, asked again and again for what came since. */
import type { Observation, ObservedPort, Sender } from '../evidence/observed/observation.ts';
import { beginObservation, type OpenObservation } from '../evidence/observed/observe.ts';
import type { ObservedCall } from '../mesh/graph/observed.ts';
import type { Cluster } from '../sources/cluster.ts';
import type { Source } from './source.ts';
import type { ObservedView } from './wire.ts';

/** Calls before the first question: as far as access logs reach back. */
const lookBackMs = 600_000;

export class Observing {
  readonly #source: Source;
  readonly #cluster: Cluster;
  readonly #now: () => number;
  #open: Promise<OpenObservation> | undefined;
  #looking: Promise<ObservedView> | undefined;

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
    const { namespaces, look } = this.#source;
    this.#open ??= beginObservation(
      look.mesh,
      { lookBack: lookBackMs, ...(namespaces === undefined ? {} : { namespaces }) },
      { cluster: this.#cluster, now: this.#now },
    ).catch((error: unknown) => {
      this.#open = undefined;
      throw error;
    });
    const observation = await (await this.#open).finish(look.mesh);
    return observedView(observation);
  }
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

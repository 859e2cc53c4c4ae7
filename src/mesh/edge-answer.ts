/** The answer about one edge, as a lean object that puts its reasons into words only when asked. */
import type { ClientClass } from './client-classes.ts';
import type { ClassEdge, Outcome, Sends } from './edge.ts';
import { type EdgeCause, type EdgeFacts, edgeReasons } from './edge-reasons.ts';
import type { Mesh } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

/**
 * A mesh has many edges and few of them are explained, so the reasons are worked out when they are read. They are getters:
 * a spread copy of an answer does not have them.
 */
export class EdgeAnswer implements ClassEdge {
  readonly client: Workload;
  readonly host: string;
  readonly port: number;
  readonly server?: Workload;
  readonly targetPort: number;
  readonly subset?: string;
  readonly routedHost?: string;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly cause: EdgeCause;
  readonly #mesh: Mesh;
  readonly #clients: ClientClass;
  readonly #facts: Omit<EdgeFacts, 'client'>;
  #because: readonly Reason[] | undefined;

  constructor(
    mesh: Mesh,
    clients: ClientClass,
    host: string,
    port: number,
    facts: Omit<EdgeFacts, 'client'>,
  ) {
    const { endpoint, routed } = facts;
    this.client = clients.representative;
    this.host = host;
    this.port = port;
    if (endpoint.workload !== undefined) this.server = endpoint.workload;
    this.targetPort = endpoint.targetPort;
    if (routed?.subset !== undefined) this.subset = routed.subset;
    if (routed !== undefined && routed.host !== host) this.routedHost = routed.host;
    this.sends = facts.sends;
    this.outcome = facts.outcome;
    this.cause = facts.cause;
    this.#mesh = mesh;
    this.#clients = clients;
    this.#facts = facts;
  }

  get clients(): readonly Workload[] {
    return this.#clients.clients;
  }

  get serverPods(): readonly string[] {
    return this.#facts.endpoint.pods;
  }

  get serverName(): string {
    const { workload, address } = this.#facts.endpoint;
    return workload === undefined ? (address ?? '') : `${workload.namespace}/${workload.name}`;
  }

  get because(): readonly Reason[] {
    this.#because ??= edgeReasons(this.#mesh, { ...this.#facts, client: this.client });
    return this.#because;
  }
}

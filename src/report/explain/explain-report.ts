/** What `padlock explain` has to say, before it is written in any format. */
import type { ExplainedLine } from '../../evidence/explain-line.ts';
import type { CallAnswer, PortAnswer } from '../../mesh/explain/explain.ts';
import type { Unseen } from '../../mesh/snapshot.ts';
import type { Dataplane, Workload } from '../../mesh/workload.ts';

/** A line that was pasted, how often it came, and what the mesh that was read says to it. */
export interface LineReport extends ExplainedLine {
  readonly count: number;
  /** Names of the caller and the server, where their addresses are known. */
  readonly fromName?: string;
  readonly toName?: string;
  readonly answers: readonly CallAnswer[];
  /** Why there is no answer, where a mesh was read. */
  readonly note?: string;
}

export type ExplainReport = { readonly unseen: readonly Unseen[]; readonly source?: string } & (
  | { readonly kind: 'call'; readonly answers: readonly CallAnswer[]; readonly note?: string }
  | { readonly kind: 'port'; readonly answers: readonly PortAnswer[] }
  | { readonly kind: 'lines'; readonly lines: readonly LineReport[] }
);

/** `Deployment web/front`, or what a caller outside the mesh is called. */
export function nameWorkload({ kind, namespace, name, variant }: Workload): string {
  if (kind === '') return name;
  return `${kind} ${namespace}/${name}${variant > 1 ? ` #${variant}` : ''}`;
}

export const dataplaneWords = {
  sidecar: 'with a sidecar',
  gateway: 'a gateway',
  ambient: 'in ambient mode',
  waypoint: 'a waypoint',
  none: 'without a sidecar',
} as const satisfies Record<Dataplane, string>;

export const sendsWords = {
  'istio-mtls': 'sends Istio mutual TLS',
  plaintext: 'sends plaintext',
  tls: "sends TLS that is not the mesh's",
} as const;

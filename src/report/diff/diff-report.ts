/** What `padlock diff` has to say, before it is written in any format. */
import type { ChangeKind, EdgeChange, MeshDiff, PortChange } from '../../mesh/diff.ts';
import type { Edge, Outcome } from '../../mesh/edge.ts';
import type { Inbound } from '../../mesh/inbound.ts';
import type { Reason } from '../../mesh/reason.ts';

/** `weakened` fails on BREAKS too. */
export type DiffFailOn = 'breaks' | 'weakened' | 'any' | 'never';

export interface DiffReport {
  readonly version: string;
  /** What was compared: files, `REVISION:PATHS`, or `context NAME`. */
  readonly before: string;
  readonly after: string;
  readonly failOn: DiffFailOn;
  readonly ports: readonly PortChange[];
  readonly edges: readonly EdgeChange[];
}

/** Worst first: the order in which changes are printed. */
export const changeKinds = [
  'BREAKS',
  'WEAKENED',
  'MENDS',
  'HARDENED',
  'ADDED',
  'REMOVED',
] as const satisfies readonly ChangeKind[];

/** One change of either kind, so that both are sorted and counted together. */
export type Change =
  | { readonly on: 'port'; readonly change: PortChange }
  | { readonly on: 'edge'; readonly change: EdgeChange };

export function allChanges({ ports, edges }: Pick<DiffReport, 'ports' | 'edges'>): readonly Change[] {
  return [
    ...edges.map((change): Change => ({ on: 'edge', change })),
    ...ports.map((change): Change => ({ on: 'port', change })),
  ];
}

export function countChanges(report: DiffReport): Readonly<Record<ChangeKind, number>> {
  const count = (kind: ChangeKind): number =>
    allChanges(report).filter(({ change }) => change.change === kind).length;
  return {
    BREAKS: count('BREAKS'),
    WEAKENED: count('WEAKENED'),
    MENDS: count('MENDS'),
    HARDENED: count('HARDENED'),
    ADDED: count('ADDED'),
    REMOVED: count('REMOVED'),
  };
}

/** True when something changed that `failOn` names. */
export function diffFails(report: DiffReport): boolean {
  const counts = countChanges(report);
  switch (report.failOn) {
    case 'never':
      return false;
    case 'breaks':
      return counts.BREAKS > 0;
    case 'weakened':
      return counts.BREAKS + counts.WEAKENED > 0;
    case 'any':
      return Object.values(counts).some((count) => count > 0);
  }
}

/** Keeps what concerns the namespaces: ports of their workloads, and edges that start or end there. */
export function narrowed(diff: MeshDiff, namespaces: readonly string[] | undefined): MeshDiff {
  if (namespaces === undefined) return diff;
  const inside = (name: string): boolean => namespaces.includes(name.split('/')[0] ?? '');
  return {
    ports: diff.ports.filter(({ workload }) => inside(workload)),
    edges: diff.edges.filter(({ clients, server }) => inside(server) || clients.some(inside)),
  };
}

const outcomeWords = {
  mtls: 'mutual TLS',
  plaintext: 'plaintext',
  tls: "TLS that is not the mesh's",
  refused: 'refused',
} as const satisfies Record<Outcome, string>;

export function edgeWords(edge: Edge | undefined): string {
  return edge === undefined ? 'no way to it' : outcomeWords[edge.outcome];
}

/** What a port takes, in words. */
export function portWords(port: Inbound | undefined): string {
  if (port === undefined) return 'not there';
  if (!port.captured) return 'plaintext (no proxy)';
  const takes = [...(port.mtls ? ['mutual TLS'] : []), ...(port.plaintext ? ['plaintext'] : [])];
  return `${takes.join(' and ')} (${port.mode})`;
}

export function changeWords({ on, change }: Change): { readonly before: string; readonly after: string } {
  return on === 'port'
    ? { before: portWords(change.before), after: portWords(change.after) }
    : { before: edgeWords(change.before), after: edgeWords(change.after) };
}

/** `shop/cart:8080`, or `web/front -> cart.shop.svc.cluster.local:8000 (shop/cart)`. */
export function changeSubject({ on, change }: Change, most = 2): string {
  if (on === 'port') return `${change.workload}:${change.port}`;
  const shown = change.clients.slice(0, most).join(', ');
  const more = change.clients.length > most ? ` and ${change.clients.length - most} more` : '';
  return `${shown}${more} -> ${change.host}:${change.port} (${change.server})`;
}

/** The reasons that are new in the answer, or, where none is, those that are gone: what somebody changed. */
export function newReasons({ change }: Change): readonly Reason[] {
  const key = ({ text, resource, value }: Reason): string => JSON.stringify([text, resource, value]);
  const before = change.before?.because ?? [];
  const after = change.after?.because ?? [];
  const known = new Set(before.map(key));
  const fresh = after.filter((reason) => !known.has(key(reason)) && reason.beaten !== true);
  if (fresh.length > 0) return fresh;
  const kept = new Set(after.map(key));
  return before.filter((reason) => !kept.has(key(reason)) && reason.beaten !== true);
}

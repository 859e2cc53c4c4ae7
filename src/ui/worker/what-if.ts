/** "What if": the change evaluated by the same rooms as everything else, and told as groups of clients. */
import { stringify } from 'yaml';
import { formatRef } from '../../istio/kubernetes.ts';
import { diffMeshes, type EdgeChange } from '../../mesh/diff.ts';
import { type Choice, chosenPolicy } from '../../mesh/graph/choice.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import { withChange } from '../../mesh/what-if.ts';
import type { ChangeGroup, WhatIfAnswer } from './protocol.ts';

/** @returns undefined where the choice names what the mesh does not have. */
export function meshAfter(mesh: Mesh, choice: Choice): Mesh | undefined {
  const chosen = chosenPolicy(mesh, choice);
  return chosen === undefined ? undefined : withChange(mesh, { apply: [chosen.manifest] });
}

const order: readonly string[] = ['BREAKS', 'WEAKENED', 'MENDS', 'HARDENED', 'ADDED', 'REMOVED'];

export function whatIf(mesh: Mesh, choice: Choice, now: () => number): WhatIfAnswer | undefined {
  const began = now();
  const chosen = chosenPolicy(mesh, choice);
  if (chosen === undefined) return undefined;
  const after = withChange(mesh, { apply: [chosen.manifest] });
  const { edges, ports } = diffMeshes(mesh, after);
  const { kind, metadata } = chosen.manifest;
  const broken = new Set(edges.filter(({ change }) => change === 'BREAKS').flatMap(({ clients }) => clients));
  return {
    yaml: stringify(chosen.manifest),
    resource: formatRef({
      kind,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    }),
    changes: chosen.changes,
    alsoSelects: chosen.alsoSelects,
    edges: edges
      .map(groupOf)
      .sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change) || (a.server < b.server ? -1 : 1)),
    ports: ports.map(({ change, workload, port }) => ({ change, workload, port })),
    broken: [...broken].sort(),
    milliseconds: now() - began,
  };
}

function groupOf({
  change,
  clients,
  host,
  port,
  server,
  targetPort,
  before,
  after,
}: EdgeChange): ChangeGroup {
  return {
    change,
    clients,
    host,
    port,
    server,
    targetPort,
    before: before.outcome,
    after: after?.outcome ?? 'no route',
    why: after?.because.at(-1)?.text ?? 'the client has no way to the server any more',
  };
}

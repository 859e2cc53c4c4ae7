/** The posture as a bundle keeps it: whole where it is small, and where clients times ports are many, what is not mutual TLS. */
import type { Mesh } from '../../mesh/mesh.ts';
import { type EdgeRow, edgeRows, type InboundRow, inboundRows } from '../../mesh/posture.ts';

export interface BundledPosture {
  readonly inbound: readonly InboundRow[];
  readonly edges: readonly EdgeRow[];
  /** Edges by mutual TLS that were left out for their number; `padlock posture -f snapshot.json` gives them. */
  readonly edgesLeftOut: number;
}

/** Some 20 MB of JSON. */
const mostEdges = 20_000;

export function bundledPosture(mesh: Mesh, namespaces: readonly string[], most = mostEdges): BundledPosture {
  const options = { namespaces };
  let count = 0;
  const first: EdgeRow[] = [];
  const telling: EdgeRow[] = [];
  for (const edge of edgeRows(mesh, options)) {
    count++;
    if (count <= most) first.push(edge);
    if (edge.outcome !== 'mtls' && telling.length < most) telling.push(edge);
  }
  const edges = count <= most ? first : telling;
  return { inbound: [...inboundRows(mesh, options)], edges, edgesLeftOut: count - edges.length };
}

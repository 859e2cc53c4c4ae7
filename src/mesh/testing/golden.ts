/** Snapshots with istiod's own answers, held against the posture row by row. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { buildMesh } from '../mesh.ts';
import { type EdgeRow, type InboundRow, posture } from '../posture.ts';

export interface GoldenSnapshot {
  readonly id: string;
  /** A multi-document listing; each document is JSON, which YAML contains. */
  readonly yaml: string;
  readonly expected: {
    readonly inbound: readonly Pick<InboundRow, 'pod' | 'port' | 'mtls' | 'plaintext'>[];
    readonly edges: readonly Omit<EdgeRow, 'because'>[];
  };
}

export function readGolden(file: string | URL): readonly GoldenSnapshot[] {
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The rows in which the posture differs from istiod, those of pods' declared ports that only one side has included. */
export function disagreements({ id, yaml, expected }: GoldenSnapshot): readonly string[] {
  const objects = yaml
    .split(/^---$/m)
    .filter((text) => text.trim() !== '')
    .map((text) => ({ object: JSON.parse(text) as KubeObject, origin: { source: id } }));
  // A port that nobody declares: what the pass-through chain takes.
  const own = posture(buildMesh({ source: id, objects, unseen: [] }), { ports: [4321] });
  const ports = new Map(own.inbound.map((row) => [`${row.pod} ${row.port}`, row]));
  const edges = new Map(own.edges.map((edge) => [edgeKey(edge), edge]));
  const wrong: string[] = [];
  for (const row of expected.inbound) {
    const key = `${row.pod} ${row.port}`;
    const answer = ports.get(key);
    ports.delete(key);
    if (answer?.mtls !== row.mtls || answer.plaintext !== row.plaintext) {
      wrong.push(`${id} inbound ${JSON.stringify({ row, own: answer })}`);
    }
  }
  for (const [key, { port }] of ports)
    if (port !== 4321) wrong.push(`${id} inbound ${key}: istiod has no such row`);
  for (const edge of expected.edges) {
    const answer = edges.get(edgeKey(edge));
    const same =
      answer?.targetPort === edge.targetPort &&
      answer.sends === edge.sends &&
      answer.outcome === edge.outcome;
    if (!same) wrong.push(`${id} edge ${JSON.stringify({ edge, own: answer })}`);
  }
  return wrong;
}

function edgeKey({ client, host, port, server }: Omit<EdgeRow, 'because'>): string {
  return `${client} ${host} ${port} ${server}`;
}

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type GoldenEdge, type GoldenInbound, goldenRows } from './testing/golden-rows.ts';

const file = new URL('../../../../shared/golden/train.ndjson.gz', import.meta.url);

interface Snapshot {
  readonly id: string;
  readonly yaml: string;
  readonly expected: { readonly inbound: readonly GoldenInbound[]; readonly edges: readonly GoldenEdge[] };
}

/** The rows of a snapshot that come out otherwise than istiod had them. */
function disagreements({ id, yaml, expected }: Snapshot): readonly string[] {
  // Each document is JSON, which YAML contains.
  const rows = goldenRows(yaml.split(/^---$/m).map((text) => JSON.parse(text)));
  const inbound = new Map(rows.inbound.map((row) => [`${row.pod} ${row.port}`, row]));
  const edges = new Map(rows.edges.map((edge) => [edgeKey(edge), edge]));
  const wrong: string[] = [];
  for (const row of expected.inbound) {
    const own = inbound.get(`${row.pod} ${row.port}`);
    if (own?.mtls !== row.mtls || own.plaintext !== row.plaintext)
      wrong.push(`${id} inbound ${JSON.stringify({ row, own })}`);
  }
  for (const edge of expected.edges) {
    const own = edges.get(edgeKey(edge));
    const same =
      own?.targetPort === edge.targetPort && own.sends === edge.sends && own.outcome === edge.outcome;
    if (!same) wrong.push(`${id} edge ${JSON.stringify({ edge, own })}`);
  }
  return wrong;
}

function edgeKey({ client, host, port, server }: GoldenEdge): string {
  return [client, host, port, server].join(' ');
}

test.skipIf(!existsSync(file))(
  'the generated configuration, walked, gives the answers of istiod itself (skipped: no ../shared/golden)',
  () => {
    const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
    const wrong = lines.flatMap((line) => disagreements(JSON.parse(line)));
    expect(wrong).toEqual([]);
    expect(lines.length).toBeGreaterThan(400);
  },
);

/** For the checks' tests: YAML into a snapshot with origins. */
import { LineCounter, parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../../mesh.ts';
import type { Snapshot, SnapshotObject, Unseen } from '../../snapshot.ts';

/** Parses manifests; the text comes from a test, so that mistakes in it throw. */
export function snapshotOf(text: string, source = 'test.yaml'): Snapshot {
  const counter = new LineCounter();
  const objects: SnapshotObject[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: counter })) {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value = document.toJS() as KubeObject | null;
    if (value === null) continue;
    const start = document.contents?.range?.[0] ?? 0;
    objects.push({ object: value, origin: { source, line: counter.linePos(start).line } });
  }
  return { source, objects, unseen: unseenIn(text) };
}

/** What could not be read, written into a manifest as `# unseen: RESOURCE in NAMESPACE because REASON`. */
function unseenIn(text: string): readonly Unseen[] {
  return [...text.matchAll(/^# unseen: (\S+)(?: in (\S+))? because (.+)$/gm)].map(
    ([, resource = '', namespace, reason = '']) => ({
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      reason,
    }),
  );
}

export function meshOf(text: string): Mesh {
  return buildMesh(snapshotOf(text));
}

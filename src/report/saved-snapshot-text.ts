/** A snapshot as it is saved: JSON with a version, one object a line, so that two of them can be compared line by line. */
import type { Snapshot } from '../mesh/snapshot.ts';
import { savedSnapshotKind, savedSnapshotVersion } from '../sources/saved-snapshot.ts';
import { trimForSnapshot } from '../sources/snapshot-object.ts';

/**
 * The text in pieces of about a line, in a stable order: by kind, namespace and name. Secrets, what application containers are
 * started with, managed fields and kubectl's copy of the manifest are left out, wherever the snapshot came from.
 */
export function* savedSnapshotText(snapshot: Snapshot): Generator<string> {
  yield `{"apiVersion":${JSON.stringify(savedSnapshotVersion)},"kind":${JSON.stringify(savedSnapshotKind)},\n`;
  yield `"source":${JSON.stringify(snapshot.source)},\n`;
  if (snapshot.takenAt !== undefined) yield `"takenAt":${JSON.stringify(snapshot.takenAt)},\n`;
  yield '"objects":[\n';
  let separator = '';
  for (const { key, entry } of sorted(snapshot)) {
    if (key.startsWith('Secret/')) continue;
    const saved = { object: trimForSnapshot(entry.object), origin: entry.origin };
    yield `${separator}${JSON.stringify(saved)}`;
    separator = ',\n';
  }
  yield '\n],\n"unseen":[\n';
  yield snapshot.unseen.map((unseen) => JSON.stringify(unseen)).join(',\n');
  yield '\n]}\n';
}

function sorted(
  snapshot: Snapshot,
): readonly { readonly key: string; readonly entry: Snapshot['objects'][number] }[] {
  return snapshot.objects
    .map((entry) => {
      const { kind, metadata } = entry.object;
      return { key: `${kind}/${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`, entry };
    })
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

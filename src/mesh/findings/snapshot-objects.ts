/** The raw objects behind a workload, for the few checks that read fields which no parser keeps. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Workload } from '../workload.ts';

const indexes = new WeakMap<Snapshot, ReadonlyMap<string, KubeObject>>();

/** The pods of a workload, or the object with its template, as they were read. */
export function objectsOf(snapshot: Snapshot, workload: Workload): readonly KubeObject[] {
  let index = indexes.get(snapshot);
  if (index === undefined) {
    index = new Map(snapshot.objects.map(({ object }) => [keyOf(object), object]));
    indexes.set(snapshot, index);
  }
  const keys =
    workload.from === 'pods'
      ? workload.pods.map(({ name }) => `Pod/${workload.namespace}/${name}`)
      : [`${workload.kind}/${workload.namespace}/${workload.name}`];
  const found = index;
  return keys.flatMap((key) => found.get(key) ?? []);
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata?.namespace ?? 'default'}/${metadata?.name}`;
}

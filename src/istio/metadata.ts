/** An object's metadata with its types checked, and the order in which Istio reads objects of one kind. */
import type { FieldProblem, FieldReader, Fields, StringMap } from './fields.ts';
import type { KubeObject, ObjectRef } from './kubernetes.ts';

/** What every parsed object starts with. */
export interface Parsed {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  /** `''` for cluster-scoped objects; `default` where a namespaced manifest names none, as kubectl would apply it. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  /** Milliseconds; absent for manifests, which were never created. Istio orders policies by it. */
  readonly createdAt?: number;
  readonly problems: readonly FieldProblem[];
}

/** Reads an object's metadata. `scope` says whether a missing namespace means `default` or none. */
export function parseMetadata(
  object: KubeObject,
  reader: FieldReader,
  scope: 'namespaced' | 'cluster' = 'namespaced',
): Parsed {
  const meta: Fields = reader.fields(object.metadata, 'metadata');
  const name = reader.string(meta.name, 'metadata.name') ?? '';
  const namespace =
    scope === 'cluster' ? '' : (reader.string(meta.namespace, 'metadata.namespace') ?? '') || 'default';
  const kind = typeof object.kind === 'string' ? object.kind : '';
  const created = reader.string(meta.creationTimestamp, 'metadata.creationTimestamp');
  const createdAt = created === undefined ? undefined : Date.parse(created);
  const known = createdAt !== undefined && !Number.isNaN(createdAt);
  if (createdAt !== undefined && !known) reader.note('metadata.creationTimestamp', 'is no RFC 3339 time');
  return {
    ref: scope === 'cluster' ? { kind, name } : { kind, namespace, name },
    apiVersion: typeof object.apiVersion === 'string' ? object.apiVersion : '',
    namespace,
    name,
    labels: reader.stringMap(meta.labels, 'metadata.labels'),
    annotations: reader.stringMap(meta.annotations, 'metadata.annotations'),
    ...(known ? { createdAt } : {}),
    problems: reader.problems,
  };
}

/**
 * Oldest first; within one second by name, then namespace (Istio's `sortByCreationComparator`). An object without a
 * creation time comes first, because Go's zero time is older than every other.
 */
export function byCreation(a: Parsed, b: Parsed): number {
  return (
    (a.createdAt ?? 0) - (b.createdAt ?? 0) || compare(a.name, b.name) || compare(a.namespace, b.namespace)
  );
}

/** By code unit, as Go compares strings; not by locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Which workloads a selector matches, by an index over labels: never by holding every policy against every workload. */
import type { StringMap } from '../../istio/fields.ts';
import { matchesLabels } from '../../istio/selector.ts';
import type { Mesh } from '../mesh.ts';
import type { Workload } from '../workload.ts';

interface NamespaceIndex {
  readonly workloads: Workload[];
  /** By `key=value`. */
  readonly byLabel: Map<string, Workload[]>;
}

const indexes = new WeakMap<Mesh, ReadonlyMap<string, NamespaceIndex>>();

function indexOf(mesh: Mesh): ReadonlyMap<string, NamespaceIndex> {
  const known = indexes.get(mesh);
  if (known !== undefined) return known;
  const built = new Map<string, NamespaceIndex>();
  for (const workload of mesh.workloads) {
    let own = built.get(workload.namespace);
    if (own === undefined) {
      own = { workloads: [], byLabel: new Map() };
      built.set(workload.namespace, own);
    }
    own.workloads.push(workload);
    for (const key in workload.labels) {
      const label = `${key}=${workload.labels[key]}`;
      const list = own.byLabel.get(label);
      if (list === undefined) own.byLabel.set(label, [workload]);
      else list.push(workload);
    }
  }
  indexes.set(mesh, built);
  return built;
}

/** All workloads of a namespace. */
export function workloadsIn(mesh: Mesh, namespace: string): readonly Workload[] {
  return indexOf(mesh).get(namespace)?.workloads ?? [];
}

/** Workloads of a namespace that have all the labels; all of them for an empty selector. */
export function selectedWorkloads(mesh: Mesh, namespace: string, labels: StringMap): readonly Workload[] {
  const own = indexOf(mesh).get(namespace);
  if (own === undefined) return [];
  const lists = Object.entries(labels).map(([key, value]) => own.byLabel.get(`${key}=${value}`) ?? []);
  const shortest = lists.reduce<readonly Workload[]>(
    (least, list) => (list.length < least.length ? list : least),
    own.workloads,
  );
  return lists.length < 2 ? shortest : shortest.filter((workload) => matchesLabels(labels, workload.labels));
}

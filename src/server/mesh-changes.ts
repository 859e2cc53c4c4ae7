/**
 * Tells what has changed of what decides about mutual TLS. Watches bring changes at once; each reading of everything brings those
 * that no watch told of (not allowed, interrupted), and workloads that gained or lost their sidecar.
 */
import { formatRef, type KubeObject } from '../istio/kubernetes.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { asText, dig } from '../sources/json-value.ts';
import { changedSettings, trackedKind } from './change-words.ts';
import type { DashboardEvent } from './wire.ts';

export type ChangeEvent = Extract<DashboardEvent, { kind: 'policy' | 'mesh' }>;

interface Known {
  readonly object: KubeObject;
  readonly counts: string;
  /** When it was last heard of; readings that began before know less. */
  readonly tick: number;
}

export class MeshChanges {
  readonly #now: () => number;
  #known = new Map<string, Known>();
  /** What a watch told to be gone, and when. */
  readonly #gone = new Map<string, number>();
  /** By workload: the dataplanes of its pods. */
  #dataplanes: ReadonlyMap<string, Dataplanes>;
  #tick = 0;

  constructor(mesh: Mesh, now: () => number) {
    this.#now = now;
    for (const { object } of mesh.snapshot.objects) this.#take(object);
    this.#dataplanes = dataplanesOf(mesh);
  }

  /** @returns what to hand to `read` with what was read from now on */
  beginReading(): number {
    return ++this.#tick;
  }

  /** A word of a watch. */
  heard(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): readonly ChangeEvent[] {
    this.#tick++;
    if (type !== 'DELETED') return this.#take(object);
    this.#gone.set(keyOf(object), this.#tick);
    if (this.#gone.size > 10_000) this.#gone.clear();
    return this.#drop(object);
  }

  /** @param begun of `beginReading`: what was heard since is newer than what was read */
  read(mesh: Mesh, begun: number): readonly ChangeEvent[] {
    const { objects, unseen } = mesh.snapshot;
    const there = new Set<string>();
    const events: ChangeEvent[] = [];
    for (const { object } of objects) {
      const key = keyOf(object);
      there.add(key);
      if ((this.#known.get(key)?.tick ?? 0) > begun || (this.#gone.get(key) ?? 0) > begun) continue;
      events.push(...this.#take(object));
    }
    const hidden = new Set(unseen.map(({ resource }) => resource));
    for (const [key, { object, tick }] of this.#known) {
      const isHidden = hidden.has(trackedKind(object)?.resource ?? '');
      if (!there.has(key) && tick <= begun && !isHidden) events.push(...this.#drop(object));
    }
    const now = dataplanesOf(mesh);
    events.push(...this.#workloads(now));
    this.#dataplanes = now;
    return events;
  }

  #take(object: KubeObject): readonly ChangeEvent[] {
    const kind = trackedKind(object);
    if (kind === undefined) return [];
    const key = keyOf(object);
    const before = this.#known.get(key);
    const counts = JSON.stringify(kind.counts(object) ?? null);
    this.#known.set(key, { object, counts, tick: this.#tick });
    if (before?.counts === counts) return [];
    if (before === undefined) return [this.#event(object, 'added', kind.says(object))];
    const says = object.kind === 'ConfigMap' ? settings(before.object, object) : kind.says(object);
    return [this.#event(object, 'changed', says)];
  }

  #drop(object: KubeObject): readonly ChangeEvent[] {
    return this.#known.delete(keyOf(object)) ? [this.#event(object, 'removed', '')] : [];
  }

  #event(object: KubeObject, change: ChangeEvent['change'], says: string): ChangeEvent {
    const { name } = object.metadata;
    const namespace = object.metadata.namespace ?? (object.kind === 'Namespace' ? name : '');
    const kind = object.kind === 'ConfigMap' ? 'MeshConfig' : object.kind;
    const resource = formatRef({
      kind,
      ...(object.metadata.namespace === undefined ? {} : { namespace }),
      name,
    });
    return { ...this.#head(trackedKind(object)?.event ?? 'mesh'), change, resource, namespace, says };
  }

  #workloads(now: ReadonlyMap<string, Dataplanes>): readonly ChangeEvent[] {
    const names = new Set([...this.#dataplanes.keys(), ...now.keys()]);
    return [...names].flatMap((name): readonly ChangeEvent[] => {
      const [before, after] = [this.#dataplanes.get(name), now.get(name)];
      if (before?.says === after?.says) return [];
      const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
      const { namespace = '' } = after ?? before ?? {};
      return [{ ...this.#head('mesh'), change, resource: name, namespace, says: after?.says ?? '' }];
    });
  }

  #head<Kind extends ChangeEvent['kind']>(kind: Kind): { readonly kind: Kind; readonly at: string } {
    return { kind, at: new Date(this.#now()).toISOString() };
  }
}

function keyOf({ kind, apiVersion, metadata }: KubeObject): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return `${group}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

function settings(before: KubeObject, after: KubeObject): string {
  const text = (object: KubeObject): string => asText(dig(object, 'data', 'mesh')) ?? '';
  return changedSettings(text(before), text(after));
}

interface Dataplanes {
  readonly namespace: string;
  readonly says: string;
}

const dataplaneWords: Readonly<Record<string, string>> = {
  sidecar: 'with a sidecar',
  none: 'without a sidecar',
  ambient: 'in ambient mode',
  gateway: 'a gateway',
  waypoint: 'a waypoint',
};

/** Some pods of a workload may have a sidecar and others not, as in the middle of a restart. */
function dataplanesOf(mesh: Mesh): ReadonlyMap<string, Dataplanes> {
  const groups = Map.groupBy(mesh.workloads, ({ kind, namespace, name }) =>
    formatRef({ kind, namespace, name }),
  );
  return new Map(
    [...groups].map(([name, variants]) => {
      const words = new Set(variants.map(({ dataplane }) => dataplaneWords[dataplane] ?? dataplane));
      const says = [...words].toSorted().map((word) => (words.size > 1 ? `some pods ${word}` : word));
      return [name, { namespace: variants[0]?.namespace ?? '', says: says.join(', ') }];
    }),
  );
}

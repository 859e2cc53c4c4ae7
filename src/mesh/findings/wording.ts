/** Words that the findings' sentences share. */

import type { ObjectRef } from '../../istio/kubernetes.ts';
import { formatRef } from '../../istio/kubernetes.ts';
import { compare } from '../../istio/metadata.ts';
import type { Workload } from '../workload.ts';

/** `12,345`. By hand: the platform's number formats take milliseconds to load. */
export function thousands(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 workload`, `3 workloads`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${thousands(number)} ${number === 1 ? noun : plural}`;
}

/** The verb for so many: `keeps`, `keep`. */
export function verb(number: number, singular: string, plural: string): string {
  return number === 1 ? singular : plural;
}

/** `a`, `a and b`, `a, b and c`; beyond `most` names, `a, b and 3 more`. */
export function list(names: readonly string[], most = 3): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** `app=web,tier=db`, as kubectl writes a selector. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** `namespace/name`. */
export function nameOf(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}

/** How a person calls a workload: `Deployment shop/cart`. */
export function workloadRef(workload: Workload): ObjectRef {
  return { kind: workload.kind, namespace: workload.namespace, name: workload.name };
}

/** References to workloads, each once (variants of one owner are one to a person), sorted. */
export function workloadRefs(workloads: Iterable<Workload>): readonly ObjectRef[] {
  const refs = new Map<string, ObjectRef>();
  for (const workload of workloads) {
    const ref = workloadRef(workload);
    refs.set(formatRef(ref), ref);
  }
  return [...refs.entries()].sort(([a], [b]) => compare(a, b)).map(([, ref]) => ref);
}

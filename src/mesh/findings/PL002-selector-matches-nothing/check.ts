/**
 * PL002: a selector that matches no workload. Istio accepts it without a word (no status, no event), so a typing mistake
 * leaves a workload as it was. Selectors reach workloads of their own namespace only.
 */
import type { StringMap } from '../../../istio/fields.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, type Subject } from '../check.ts';
import type { Finding, Fix } from '../finding.ts';
import { selectedWorkloads, workloadsIn } from '../selected-workloads.ts';
import { count, labelsText, list, nameOf } from '../wording.ts';

/** A resource that selects workloads by labels. */
interface Selecting extends Subject {
  readonly namespace: string;
  readonly labels: StringMap;
  readonly field: string;
}

export function selectorMatchesNothing(mesh: Mesh): readonly Finding[] {
  return selecting(mesh)
    .filter(({ namespace, labels }) => selectedWorkloads(mesh, namespace, labels).length === 0)
    .map((resource) => oneFinding(mesh, resource));
}

function selecting(mesh: Mesh): readonly Selecting[] {
  const all: Selecting[] = [];
  const add = (
    resource: Subject & { readonly namespace: string },
    labels: StringMap | undefined,
    field: string,
  ): void => {
    if (labels !== undefined) {
      all.push({
        ref: resource.ref,
        ...(resource.origin === undefined ? {} : { origin: resource.origin }),
        namespace: resource.namespace,
        labels,
        field,
      });
    }
  };
  for (const policy of mesh.peerAuthentications) {
    // In the root namespace a selector has no effect at all: that is PL003.
    if (policy.namespace !== mesh.config.rootNamespace)
      add(policy, policy.selector.labels, 'spec.selector.matchLabels');
  }
  for (const rule of mesh.destinationRules)
    add(rule, rule.selector.labels, 'spec.workloadSelector.matchLabels');
  return all;
}

function oneFinding(mesh: Mesh, resource: Selecting): Finding {
  const { ref, namespace, labels } = resource;
  const inNamespace = workloadsIn(mesh, namespace);
  const elsewhere = mesh.workloads.filter(
    (workload) => workload.namespace !== namespace && matches(labels, workload),
  );
  // Manifests may hold the policies of a namespace without its workloads: then there is nothing to hold the selector against.
  const unknowable = inNamespace.length === 0 && mesh.snapshot.takenAt === undefined;
  return finding('PL002', resource, {
    ...(unknowable ? { severity: 'info' as const } : {}),
    message: `The selector of ${nameOf(ref)} (${labelsText(labels)}) matches no workload in namespace ${namespace}${
      inNamespace.length === 0 ? ', which has none in what was read' : ''
    }.`,
    field: resource.field,
    why:
      elsewhere.length > 0
        ? `It would match ${count(elsewhere.length, 'workload')} of ${list([...new Set(elsewhere.map((workload) => workload.namespace))])}, but a selector reaches its own namespace only.`
        : `The resource has no effect, and Istio says so nowhere.`,
    fix: fixFor(resource, inNamespace),
  });
}

function matches(labels: StringMap, workload: Workload): boolean {
  return Object.entries(labels).every(([key, value]) => workload.labels[key] === value);
}

/** Proposes the labels of the one workload that shares most of the selector's keys and values, if there is one. */
function fixFor({ ref, labels, field }: Selecting, workloads: readonly Workload[]): Fix {
  const scored = workloads
    .map((workload) => ({ workload, score: likeness(labels, workload.labels) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  const [best, second] = scored;
  if (best === undefined || (second !== undefined && second.score === best.score)) {
    return { text: 'Correct the labels (`kubectl get pods --show-labels`), or delete it.', changes: [] };
  }
  const corrected = Object.fromEntries(
    Object.keys(labels).map(
      (key) =>
        [key, Object.hasOwn(best.workload.labels, key) ? (best.workload.labels[key] ?? null) : null] as const,
    ),
  );
  const [outer = ''] = field.split('.').slice(1);
  return {
    text: `If ${nameOf({ ...ref, name: best.workload.name })} is meant, select its labels.`,
    changes: [{ kind: 'merge-patch', target: ref, patch: { spec: { [outer]: { matchLabels: corrected } } } }],
  };
}

/** Keys in common, and more for values that one person could have mistyped for the other. */
function likeness(wanted: StringMap, labels: StringMap): number {
  let score = 0;
  for (const [key, value] of Object.entries(wanted)) {
    const actual = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (actual === value) score += 10;
    else if (actual !== undefined && nearlyEqual(value, actual)) score += 5;
  }
  return score;
}

/** One is part of the other, or they differ in one character: left out, added or replaced. */
function nearlyEqual(a: string, b: string): boolean {
  if (a === '' || b === '') return false;
  if (a.includes(b) || b.includes(a)) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 1;
}

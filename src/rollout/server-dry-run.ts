/** Every write of a plan, judged by the API server itself (`dryRun=All`): what it would keep, and what of it is new. */
import { formatRef } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asText, isObject } from '../sources/json-value.ts';
import { statusMessage } from '../sources/kube/status.ts';
import type { Plan } from './plan.ts';
import { refOf, requestFor, resourceOf, type Write } from './write.ts';

export interface DryWrite {
  /** 1-based. */
  readonly step: number;
  readonly write: Write['kind'];
  /** `PeerAuthentication shop/default`. */
  readonly resource: string;
  readonly result: 'created' | 'changed' | 'unchanged' | 'deleted' | 'absent' | 'refused';
  /** `spec.mtls.mode: PERMISSIVE -> STRICT`; or why it is refused. Measured from what stands today, not from the step before. */
  readonly details: readonly string[];
}

/** Sends each write as a dry run; nothing is kept. */
export async function serverDryRun(
  cluster: Cluster,
  plan: Plan,
  signal: AbortSignal,
): Promise<readonly DryWrite[]> {
  const results: DryWrite[] = [];
  for (const [index, { writes }] of plan.steps.entries()) {
    for (const write of writes) results.push(await dryWrite(cluster, index + 1, write, signal));
  }
  return results;
}

async function dryWrite(
  cluster: Cluster,
  step: number,
  write: Write,
  signal: AbortSignal,
): Promise<DryWrite> {
  const { kind, metadata } = write.manifest;
  const head = { step, write: write.kind, resource: formatRef(refOf(write.manifest)) };
  const before = await cluster.get(resourceOf(kind), metadata.namespace, metadata.name);
  const answer = await cluster.raw({ ...requestFor(write, true), signal });
  if (write.kind === 'delete' && answer.status === 404) return { ...head, result: 'absent', details: [] };
  if (answer.status >= 300) {
    return { ...head, result: 'refused', details: [statusMessage(answer.body) || `HTTP ${answer.status}`] };
  }
  if (write.kind === 'delete') return { ...head, result: 'deleted', details: [] };
  if (before === undefined) return { ...head, result: 'created', details: [] };
  const details = differences(before, JSON.parse(answer.body), '');
  return { ...head, result: details.length === 0 ? 'unchanged' : 'changed', details };
}

/** What the server counts by itself says nothing about the write. */
const bookkeeping = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'status',
]);

function differences(before: unknown, after: unknown, path: string): readonly string[] {
  if (bookkeeping.has(path)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [`${path}: ${shown(before)} -> ${shown(after)}`];
}

function shown(value: unknown): string {
  if (value === undefined) return 'none';
  return asText(value) ?? JSON.stringify(value);
}

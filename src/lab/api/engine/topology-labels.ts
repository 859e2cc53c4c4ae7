/** The PodTopologyLabels plug-in (on since 1.35): a pod that has a node bears the node's zone and region. */
import { draftOf, ensureObject, type JsonObject, objectAt, stringMapAt } from '../json.ts';
import type { Engine } from './engine.ts';

const copied: ReadonlySet<string> = new Set(['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']);

/** Writes them into the pod; what its author set is overwritten. A node that is not there yet has none. */
export function addTopologyLabels(engine: Engine, pod: JsonObject, node: string): void {
  const found = engine.store.get('nodes', node);
  if (found === undefined) return;
  const labels = stringMapAt(objectAt(draftOf(found), 'metadata'), 'labels');
  const own = Object.entries(labels).filter(([name]) => copied.has(name));
  if (own.length === 0) return;
  const metadata = ensureObject(pod, 'metadata');
  metadata.labels = { ...stringMapAt(metadata, 'labels'), ...Object.fromEntries(own) };
}

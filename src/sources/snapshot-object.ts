/** What of an object goes into a snapshot: everything the mesh model reads, and nothing that may be a secret. */
import type { KubeObject } from '../istio/kubernetes.ts';
import { asObject, isObject, type JsonObject } from './json-value.ts';

/** People put passwords into these; only the sidecar's own are Istio's, and the model reads them. */
const privateContainerFields = ['env', 'envFrom', 'command', 'args'] as const;
const proxyContainer = 'istio-proxy';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Leaves out managed fields, kubectl's copy of the manifest, node images, and what application containers are started with. */
export function trimForSnapshot(object: KubeObject): KubeObject {
  const { managedFields: _managed, annotations, ...metadata } = object.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== lastApplied);
  const trimmed = {
    ...object,
    metadata: {
      ...metadata,
      ...(annotations === undefined ? {} : { annotations: Object.fromEntries(kept) }),
    },
  };
  if (object.kind === 'Node') return { ...trimmed, status: without(object.status, ['images']) };
  return isObject(object.spec) ? { ...trimmed, spec: trimSpec(object.spec) } : trimmed;
}

/** Pod specs are found wherever they are nested: `spec`, `spec.template.spec`, `spec.jobTemplate.spec.template.spec`. */
function trimSpec(spec: JsonObject): JsonObject {
  const changed: Record<string, unknown> = { ...spec };
  for (const field of ['containers', 'initContainers', 'ephemeralContainers']) {
    const list = spec[field];
    if (Array.isArray(list)) changed[field] = list.map(trimContainer);
  }
  for (const field of ['template', 'jobTemplate']) {
    const nested = spec[field];
    if (!isObject(nested) || !isObject(nested.spec)) continue;
    changed[field] = { ...nested, spec: trimSpec(nested.spec) };
  }
  return changed;
}

function trimContainer(container: unknown): unknown {
  if (!isObject(container) || container.name === proxyContainer) return container;
  return without(container, privateContainerFields);
}

function without(value: unknown, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(asObject(value)).filter(([name]) => !fields.includes(name)));
}

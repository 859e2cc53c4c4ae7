/** Snapshots in which a workload's pods are otherwise than they are: what a change of its template leads to once new pods run. */
import { tlsModeLabel } from '../../istio/auto-mtls.ts';
import { isFields } from '../../istio/fields.ts';
import { statusAnnotation } from '../../istio/injection.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Workload } from '../workload.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The workload's pods (or its template, where no pod was read) with a sidecar of the usual kind. */
export function withSidecar(snapshot: Snapshot, workload: Workload): Snapshot {
  return withPods(snapshot, workload, (pod) => {
    const metadata = fieldsOf(pod.metadata);
    const spec = fieldsOf(pod.spec);
    const containers = Array.isArray(spec.containers) ? spec.containers : [];
    const { 'sidecar.istio.io/inject': _, ...annotations } = fieldsOf(metadata.annotations);
    return {
      ...pod,
      metadata: {
        ...metadata,
        annotations: { ...annotations, [statusAnnotation]: '{}' },
        labels: {
          ...fieldsOf(metadata.labels),
          [tlsModeLabel]: 'istio',
          'sidecar.istio.io/inject': 'true',
        },
      },
      spec: { ...spec, containers: [...containers, { name: 'istio-proxy' }] },
    };
  });
}

/** The workload's pods with some labels or annotations set, or taken away by null. */
export function withPodMetadata(
  snapshot: Snapshot,
  workload: Workload,
  place: 'labels' | 'annotations',
  changes: Readonly<Record<string, string | null>>,
): Snapshot {
  return withPods(snapshot, workload, (pod) => {
    const metadata = fieldsOf(pod.metadata);
    const entries = Object.entries({ ...fieldsOf(metadata[place]), ...changes });
    return {
      ...pod,
      metadata: { ...metadata, [place]: Object.fromEntries(entries.filter(([, value]) => value !== null)) },
    };
  });
}

function withPods(snapshot: Snapshot, workload: Workload, change: (pod: Fields) => Fields): Snapshot {
  const pods = new Set(workload.pods.map(({ name }) => name));
  const isPod = ({ kind, metadata }: KubeObject): boolean =>
    kind === 'Pod' && (metadata?.namespace ?? 'default') === workload.namespace && pods.has(metadata.name);
  const isOwner = ({ kind, metadata }: KubeObject): boolean =>
    kind === workload.kind &&
    (metadata?.namespace ?? 'default') === workload.namespace &&
    metadata.name === workload.name;
  return {
    ...snapshot,
    objects: snapshot.objects.map((item) => {
      if (isPod(item.object)) return { ...item, object: change(item.object) as KubeObject };
      if (pods.size > 0 || !isOwner(item.object)) return item;
      return { ...item, object: changeTemplate(item.object, change) as KubeObject };
    }),
  };
}

function changeTemplate(owner: Fields, change: (pod: Fields) => Fields): Fields {
  const spec = fieldsOf(owner.spec);
  if (owner.kind === 'Pod') return change(owner);
  if (owner.kind === 'CronJob') {
    return { ...owner, spec: { ...spec, jobTemplate: changeTemplate(fieldsOf(spec.jobTemplate), change) } };
  }
  return { ...owner, spec: { ...spec, template: change(fieldsOf(spec.template)) } };
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

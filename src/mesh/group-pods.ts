/** Gathers pods into workloads: pods of one owner that are alike are one workload, so that nothing is worked out pod by pod. */
import { FieldReader, type Fields, isFields, keyText, noStrings, type StringMap } from '../istio/fields.ts';
import { compare } from '../istio/metadata.ts';
import type { Namespace } from '../istio/namespace.ts';
import { type PodTemplate, parsePod, parsePodTemplate } from '../istio/pod.ts';
import { dataplaneOfPod, dataplaneOfTemplate } from './dataplane.ts';
import type { ObjectProblem } from './mesh.ts';
import { indexOwners, type Owner, ownerOf } from './owner.ts';
import type { SnapshotObject } from './snapshot.ts';
import type { Workload, WorkloadPod } from './workload.ts';

/** Labels in which the pods of one workload differ by nature. They count only where some selector asks for them. */
export const volatileLabels: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'rollouts-pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
  'controller-uid',
  'job-name',
  // From the node that a pod was bound to, since Kubernetes 1.35 (KEP-4742).
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

export interface GroupInput {
  readonly pods: readonly SnapshotObject[];
  readonly templates: readonly SnapshotObject[];
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** Volatile labels that some selector asks for. */
  readonly selectedLabels: ReadonlySet<string>;
}

interface Group {
  readonly key: string;
  readonly namespace: string;
  readonly owner: Owner | undefined;
  readonly first: SnapshotObject;
  readonly pods: WorkloadPod[];
}

/** Pods that have ended keep no address and serve nobody. */
function hasEnded(phase: unknown): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

export function groupPods(input: GroupInput, problems: ObjectProblem[]): readonly Workload[] {
  const owners = indexOwners(input.templates);
  const groups = new Map<string, Group>();
  for (const item of input.pods) {
    const meta: Fields = isFields(item.object.metadata) ? item.object.metadata : {};
    const status: Fields = isFields(item.object.status) ? item.object.status : {};
    if (hasEnded(status.phase)) continue;
    const namespace =
      typeof meta.namespace === 'string' && meta.namespace !== '' ? meta.namespace : 'default';
    const labels: Fields = isFields(meta.labels) ? meta.labels : {};
    const owner = ownerOf(namespace, meta, labels, owners);
    const key = groupKey(namespace, owner, labels, meta, item.object.spec, input.selectedLabels);
    let group = groups.get(key);
    if (group === undefined) {
      group = { key, namespace, owner, first: item, pods: [] };
      groups.set(key, group);
    }
    group.pods.push(podFacts(item, meta, status));
  }
  const workloads = [...groups.values()]
    .sort((a, b) => compare(a.key, b.key))
    .map((group) => fromPods(group, input, problems));
  return numbered([...workloads, ...fromTemplates(input, groups, problems)]);
}

/** Everything in which two pods of one workload must agree, as one text. Works on raw fields: it runs once for each pod. */
function groupKey(
  namespace: string,
  owner: Owner | undefined,
  labels: Fields,
  meta: Fields,
  spec: unknown,
  selected: ReadonlySet<string>,
): string {
  const parts = [namespace, owner?.kind ?? 'Pod', owner?.name ?? ''];
  for (const key of Object.keys(labels).sort()) {
    if (!volatileLabels.has(key) || selected.has(key)) parts.push(key, keyText(labels[key]));
  }
  parts.push('');
  const annotations: Fields = isFields(meta.annotations) ? meta.annotations : {};
  for (const key of Object.keys(annotations).sort()) {
    if (key.includes('istio.io/')) parts.push(key, keyText(annotations[key]));
  }
  parts.push('');
  const podSpec: Fields = isFields(spec) ? spec : {};
  parts.push(keyText(podSpec.serviceAccountName), keyText(podSpec.hostNetwork));
  pushContainers(parts, podSpec.containers);
  pushContainers(parts, podSpec.initContainers);
  return parts.join('\u0000');
}

function pushContainers(parts: string[], containers: unknown): void {
  parts.push('');
  if (!Array.isArray(containers)) return;
  for (const container of containers) {
    if (!isFields(container)) continue;
    parts.push(keyText(container.name), keyText(container.restartPolicy));
    if (container.name === 'istio-proxy') parts.push(JSON.stringify(container.args ?? null));
    if (!Array.isArray(container.ports)) continue;
    for (const port of container.ports) {
      if (isFields(port))
        parts.push(`${keyText(port.containerPort)}/${keyText(port.name)}/${keyText(port.protocol)}`);
    }
  }
}

function podFacts({ object, origin }: SnapshotObject, meta: Fields, status: Fields): WorkloadPod {
  const first = status.podIP;
  const more = Array.isArray(status.podIPs) && status.podIPs.length > 1 ? status.podIPs : [];
  const ips = typeof first === 'string' && first !== '' ? [first] : [];
  for (const entry of more) {
    if (isFields(entry) && typeof entry.ip === 'string' && !ips.includes(entry.ip)) ips.push(entry.ip);
  }
  return {
    name: typeof object.metadata?.name === 'string' ? object.metadata.name : '',
    ips,
    ready: isReady(status.conditions),
    phase: typeof status.phase === 'string' ? status.phase : '',
    deleting: meta.deletionTimestamp !== undefined && meta.deletionTimestamp !== null,
    origin,
  };
}

function isReady(conditions: unknown): boolean {
  if (!Array.isArray(conditions)) return false;
  for (const condition of conditions) {
    if (isFields(condition) && condition.type === 'Ready') return condition.status === 'True';
  }
  return false;
}

type Unnumbered = Omit<Workload, 'id' | 'variant'>;

function fromPods(group: Group, input: GroupInput, problems: ObjectProblem[]): Unnumbered {
  const pod = parsePod(group.first.object);
  for (const problem of pod.problems) {
    problems.push({ ...problem, resource: pod.ref, origin: group.first.origin });
  }
  const { namespace } = group;
  const found = dataplaneOfPod(templateOf(pod), namespace, labelsOf(input.namespaces, namespace));
  const pods = group.pods.sort((a, b) => compare(a.name, b.name));
  return {
    ...found.template,
    namespace,
    kind: group.owner?.kind ?? 'Pod',
    name: group.owner?.name ?? commonName(pods),
    dataplane: found.dataplane,
    dataplaneBecause: found.because,
    revision: found.revision,
    pods,
    from: 'pods',
    origin: pods[0]?.origin ?? group.first.origin,
  };
}

function templateOf(pod: PodTemplate): PodTemplate {
  const { labels, annotations, serviceAccount, hostNetwork, ports, containers, nativeSidecars, proxyArgs } =
    pod;
  return { labels, annotations, serviceAccount, hostNetwork, ports, containers, nativeSidecars, proxyArgs };
}

function labelsOf(namespaces: ReadonlyMap<string, Namespace>, name: string): StringMap {
  return namespaces.get(name)?.labels ?? noStrings;
}

/** Pods without an owner go by what their names share: `sleep-v1` for sleep-v1-0 and sleep-v1-1. */
function commonName(pods: readonly WorkloadPod[]): string {
  const [first = '', ...others] = pods.map((pod) => pod.name);
  if (others.length === 0) return first;
  let shared = first;
  for (const name of others) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  const trimmed = shared.replace(/[-.]+$/, '');
  return trimmed.length < 2 ? first : trimmed;
}

/** Workloads of which no pod was read: a Git repository's Deployments, or ones that are scaled to nothing. */
function fromTemplates(
  input: GroupInput,
  groups: ReadonlyMap<string, Group>,
  problems: ObjectProblem[],
): readonly Unnumbered[] {
  const seen = new Set<string>();
  for (const { namespace, owner } of groups.values()) {
    if (owner !== undefined) seen.add(`${namespace}/${owner.kind}/${owner.name}`);
  }
  const workloads: Unnumbered[] = [];
  for (const { object, origin } of input.templates) {
    const meta: Fields = isFields(object.metadata) ? object.metadata : {};
    if (Array.isArray(meta.ownerReferences) && meta.ownerReferences.length > 0) continue;
    const namespace =
      typeof meta.namespace === 'string' && meta.namespace !== '' ? meta.namespace : 'default';
    const name = typeof meta.name === 'string' ? meta.name : '';
    if (seen.has(`${namespace}/${keyText(object.kind)}/${name}`)) continue;
    const reader = new FieldReader();
    const template = readTemplate(object.kind, reader.fields(object.spec, 'spec'), reader);
    for (const problem of reader.problems) {
      problems.push({ ...problem, resource: { kind: object.kind, namespace, name }, origin });
    }
    const known = input.namespaces.has(namespace);
    const found = dataplaneOfTemplate(template, namespace, labelsOf(input.namespaces, namespace), known);
    workloads.push({
      ...found.template,
      namespace,
      kind: object.kind,
      name,
      dataplane: found.dataplane,
      dataplaneBecause: found.because,
      revision: found.revision,
      pods: [],
      from: 'template',
      origin,
    });
  }
  return workloads;
}

function readTemplate(kind: string, spec: Fields, reader: FieldReader): PodTemplate {
  if (kind !== 'CronJob') return parsePodTemplate(spec.template, 'spec.template', reader);
  const job = reader.fields(spec.jobTemplate, 'spec.jobTemplate');
  const jobSpec = reader.fields(job.spec, 'spec.jobTemplate.spec');
  return parsePodTemplate(jobSpec.template, 'spec.jobTemplate.spec.template', reader);
}

/** Gives each workload its id; several of one name are numbered in the order of what they are made of. */
export function numbered(workloads: readonly Unnumbered[]): readonly Workload[] {
  const sorted = [...workloads].sort(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name),
  );
  const count = new Map<string, number>();
  return sorted.map((workload) => {
    const base = `${workload.namespace}/${workload.kind}/${workload.name}`;
    const variant = (count.get(base) ?? 0) + 1;
    count.set(base, variant);
    return { ...workload, id: variant === 1 ? base : `${base}#${variant}`, variant };
  });
}

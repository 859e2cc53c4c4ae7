/** StatefulSets: pods with names that stay, started in order and replaced from the last to the first. */
import type { Api } from '../api/api.ts';
import { isDeleting, isPodFinished, isPodReady, type PodObject } from '../kinds/pod.ts';
import { asStatefulSet, type PodTemplate, type StatefulSetObject } from '../kinds/workloads.ts';
import type { Again, Controller } from './controller.ts';
import { ensureRevision, type TemplateRevision } from './controller-revisions.ts';
import type { EventRecorder } from './events.ts';
import { ownKeys, splitKey } from './keys.ts';
import { isAvailable, nextAvailability, podFromTemplate, podsOwnedBy } from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';
const revisionLabel = 'controller-revision-hash';

export interface StatefulSetEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

/** One look at a set: what is wanted and what is there. */
interface View {
  readonly set: StatefulSetObject;
  readonly replicas: number;
  readonly update: TemplateRevision;
  /** The revision that pods below the partition, and pods of a rollout that has not come to them, are made of. */
  readonly current: { readonly name: string; readonly template: PodTemplate };
  readonly pods: ReadonlyMap<number, PodObject>;
}

export function statefulSetController(environment: StatefulSetEnvironment): Controller {
  const { api, now } = environment;
  return {
    name: 'statefulset-controller',
    watches: ['statefulsets.apps', 'pods'],
    keysOf: (change) => ownKeys('StatefulSet', change),
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('statefulsets.apps', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const view = look(api, asStatefulSet(found));
      step(environment, view);
      const after = look(api, view.set);
      const newest = api.get('statefulsets.apps', namespace, name);
      if (newest !== undefined)
        writeStatus(api, 'statefulsets.apps', newest, statusOf(after, now()), manager);
      const wait = nextAvailability([...after.pods.values()], view.set.spec.minReadySeconds ?? 0, now());
      return wait === undefined ? undefined : { afterMilliseconds: wait };
    },
  };
}

function look(api: Api, set: StatefulSetObject): View {
  const { current: update, known } = ensureRevision(api, set);
  const name = set.status?.currentRevision ?? update.name;
  const template = known.get(name) ?? update.template;
  const pods = new Map(podsOwnedBy(api, set).map((pod) => [ordinalOf(pod, set), pod] as const));
  return { set, replicas: set.spec.replicas ?? 1, update, current: { name, template }, pods };
}

function ordinalOf(pod: PodObject, set: StatefulSetObject): number {
  return Number(pod.metadata.name.slice(set.metadata.name.length + 1));
}

/** The next thing to do; the change that it makes brings the set back for the one after. */
function step(environment: StatefulSetEnvironment, view: View): void {
  const { set, replicas, pods } = view;
  const parallel = set.spec.podManagementPolicy === 'Parallel';
  for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
    const pod = pods.get(ordinal);
    if (pod === undefined) create(environment, view, ordinal);
    else if (isPodFinished(pod) && !isDeleting(pod)) remove(environment, set, pod);
    if (parallel) continue;
    if (pod === undefined || isDeleting(pod) || !isPodReady(pod)) return;
  }
  const surplus = [...pods.keys()].filter((ordinal) => ordinal >= replicas).sort((a, b) => b - a);
  for (const ordinal of surplus) {
    const pod = pods.get(ordinal);
    if (pod !== undefined && !isDeleting(pod)) remove(environment, set, pod);
    if (!parallel) return;
  }
  update(environment, view);
}

/** RollingUpdate: the highest pod of an older revision goes, once all above it are ready again. */
function update(environment: StatefulSetEnvironment, { set, replicas, update: wanted, pods }: View): void {
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (let ordinal = replicas - 1; ordinal >= partition; ordinal -= 1) {
    const pod = pods.get(ordinal);
    if (pod === undefined || isDeleting(pod)) return;
    if (pod.metadata.labels?.[revisionLabel] !== wanted.name) {
      remove(environment, set, pod);
      return;
    }
    if (!isPodReady(pod)) return;
  }
}

function create({ api, events }: StatefulSetEnvironment, view: View, ordinal: number): void {
  const { set, update: wanted, current } = view;
  const name = `${set.metadata.name}-${ordinal}`;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const revision = ordinal >= partition ? wanted : current;
  api.create(
    'pods',
    podFromTemplate({
      owner: set,
      template: revision.template,
      name,
      generateName: `${set.metadata.name}-`,
      labels: {
        [revisionLabel]: revision.name,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': String(ordinal),
      },
      spec: { hostname: name, subdomain: set.spec.serviceName ?? '' },
    }),
    manager,
  );
  const message = `Create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
  events.record(set, 'Normal', 'SuccessfulCreate', message);
}

function remove({ api, events }: StatefulSetEnvironment, set: StatefulSetObject, pod: PodObject): void {
  api.delete('pods', pod.metadata.namespace, pod.metadata.name);
  const message = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
  events.record(set, 'Normal', 'SuccessfulDelete', message);
}

function statusOf({ set, replicas, update: wanted, current, pods }: View, now: Date): object {
  const minReady = set.spec.minReadySeconds ?? 0;
  const all = [...pods.values()];
  const updated = all.filter((pod) => pod.metadata.labels?.[revisionLabel] === wanted.name);
  const complete =
    updated.length === replicas && all.length === replicas && all.every((pod) => isPodReady(pod));
  const currentName = complete ? wanted.name : current.name;
  const of = (name: string): number =>
    all.filter((pod) => pod.metadata.labels?.[revisionLabel] === name).length;
  return {
    observedGeneration: set.metadata.generation ?? 1,
    replicas: all.length,
    readyReplicas: all.filter(isPodReady).length,
    availableReplicas: all.filter((pod) => isAvailable(pod, minReady, now)).length,
    currentReplicas: of(currentName),
    updatedReplicas: updated.length,
    currentRevision: currentName,
    updateRevision: wanted.name,
    collisionCount: 0,
  };
}

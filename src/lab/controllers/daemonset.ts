/** DaemonSets: one pod on each node. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { isDeleting, isPodFinished, isPodReady, type PodObject } from '../kinds/pod.ts';
import { asDaemonSet, type DaemonSetObject } from '../kinds/workloads.ts';
import type { Again, Controller } from './controller.ts';
import { ensureRevision } from './controller-revisions.ts';
import { resolve } from './deployment-plan.ts';
import type { EventRecorder } from './events.ts';
import { keyOf, ownKeys, splitKey } from './keys.ts';
import { generateName } from './names.ts';
import { isAvailable, nextAvailability, podFromTemplate, podsOwnedBy } from './pods.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-controller-manager';
const hashLabel = 'controller-revision-hash';

export interface DaemonSetEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

export function daemonSetController(environment: DaemonSetEnvironment): Controller {
  const { api, now } = environment;
  return {
    name: 'daemonset-controller',
    watches: ['daemonsets.apps', 'pods', 'nodes'],
    keysOf: (change) =>
      change.resource === 'nodes' ? api.list('daemonsets.apps').map(keyOf) : ownKeys('DaemonSet', change),
    reconcile(key): Again | undefined {
      const { namespace, name } = splitKey(key);
      const found = api.get('daemonsets.apps', namespace, name);
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
      const set = asDaemonSet(found);
      const { hash } = ensureRevision(api, set).current;
      const nodes = api.list('nodes').filter((node) => fits(set, node));
      place(environment, set, hash, nodes);
      const pods = podsOwnedBy(api, set).filter((pod) => !isDeleting(pod));
      const newest = api.get('daemonsets.apps', namespace, name);
      if (newest !== undefined) {
        writeStatus(api, 'daemonsets.apps', newest, statusOf(set, hash, nodes, pods, now()), manager);
      }
      const wait = nextAvailability(pods, set.spec.minReadySeconds ?? 0, now());
      return wait === undefined ? undefined : { afterMilliseconds: wait };
    },
  };
}

function fits(set: DaemonSetObject, node: KubeObject): boolean {
  const wanted = Object.entries(set.spec.template.spec.nodeSelector ?? {});
  return wanted.every(([key, value]) => node.metadata.labels?.[key] === value);
}

/** Creates where a node has none, deletes what is not wanted, and replaces old templates within maxUnavailable. */
function place(
  { api, events }: DaemonSetEnvironment,
  set: DaemonSetObject,
  hash: string,
  nodes: readonly KubeObject[],
): void {
  const byNode = new Map<string, PodObject>();
  const remove = (pod: PodObject): void => {
    if (isDeleting(pod)) return;
    api.delete('pods', pod.metadata.namespace, pod.metadata.name);
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  };
  const names = new Set(nodes.map((node) => node.metadata.name));
  for (const pod of podsOwnedBy(api, set)) {
    const node = pod.spec.nodeName ?? '';
    if (!names.has(node) || isPodFinished(pod)) remove(pod);
    else byNode.set(node, pod);
  }
  for (const node of nodes) {
    if (byNode.has(node.metadata.name)) continue;
    const prefix = `${set.metadata.name}-`;
    const name = generateName(prefix);
    const pod = podFromTemplate({
      owner: set,
      template: set.spec.template,
      name,
      generateName: prefix,
      labels: { [hashLabel]: hash },
      spec: { nodeName: node.metadata.name },
    });
    api.create('pods', pod, manager);
    events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
  }
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const limit = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  let budget = Math.max(1, resolve(limit, nodes.length, Math.ceil));
  budget -= nodes.length - [...byNode.values()].filter((pod) => isPodReady(pod) && !isDeleting(pod)).length;
  for (const pod of byNode.values()) {
    if (pod.metadata.labels?.[hashLabel] === hash || isDeleting(pod)) continue;
    if (isPodReady(pod) && budget <= 0) continue;
    if (isPodReady(pod)) budget -= 1;
    remove(pod);
  }
}

function statusOf(
  set: DaemonSetObject,
  hash: string,
  nodes: readonly KubeObject[],
  pods: readonly PodObject[],
  now: Date,
): object {
  const available = pods.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length;
  const unavailable = nodes.length - available;
  return {
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: nodes.length,
    numberMisscheduled: 0,
    numberReady: pods.filter(isPodReady).length,
    ...(available > 0 ? { numberAvailable: available } : {}),
    ...(unavailable > 0 ? { numberUnavailable: unavailable } : {}),
    observedGeneration: set.metadata.generation ?? 1,
    updatedNumberScheduled: pods.filter((pod) => pod.metadata.labels?.[hashLabel] === hash).length,
  };
}

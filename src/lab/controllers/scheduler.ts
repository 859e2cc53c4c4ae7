/** The scheduler: a pod without a node gets the one with the fewest pods that its node selector fits. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { asPod, isDeleting, isPodFinished, type PodObject } from '../kinds/pod.ts';
import { timestamp } from './conditions.ts';
import type { Controller } from './controller.ts';
import type { EventRecorder } from './events.ts';
import { keyOf, splitKey } from './keys.ts';
import { writeStatus } from './status-writer.ts';

const manager = 'kube-scheduler';

export interface SchedulerEnvironment {
  readonly api: Api;
  readonly now: () => Date;
  readonly events: EventRecorder;
}

export function scheduler({ api, now, events }: SchedulerEnvironment): Controller {
  const waiting = (): readonly string[] =>
    api
      .list('pods')
      .filter((pod) => asPod(pod).spec.nodeName === undefined)
      .map(keyOf);
  return {
    name: 'default-scheduler',
    watches: ['pods', 'nodes'],
    keysOf: ({ object, type }) => {
      if (object.kind === 'Node') return waiting();
      return type !== 'DELETED' && asPod(object).spec.nodeName === undefined ? [keyOf(object)] : [];
    },
    reconcile(key) {
      const { namespace, name } = splitKey(key);
      const found = api.get('pods', namespace, name);
      const pod = found === undefined ? undefined : asPod(found);
      if (pod === undefined || pod.spec.nodeName !== undefined || isDeleting(pod)) return undefined;
      if ((pod.spec.schedulerName ?? 'default-scheduler') !== 'default-scheduler') return undefined;
      const node = choose(api, pod);
      if (node === undefined) {
        refuse(api, events, pod, now());
        return undefined;
      }
      api.updateSubresource('pods', 'binding', binding(namespace, name, node), manager);
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`);
      return undefined;
    },
  };
}

function binding(namespace: string, name: string, node: string): KubeObject {
  const target = { apiVersion: 'v1', kind: 'Node', name: node };
  return { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target };
}

function choose(api: Api, pod: PodObject): string | undefined {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {});
  const fits = (node: KubeObject): boolean =>
    !isCordoned(node) && wanted.every(([key, value]) => node.metadata.labels?.[key] === value);
  const counts = new Map(
    api
      .list('nodes')
      .filter(fits)
      .map((node) => [node.metadata.name, 0]),
  );
  for (const other of api.list('pods')) {
    const name = asPod(other).spec.nodeName ?? '';
    const count = counts.get(name);
    if (count !== undefined && !isPodFinished(asPod(other))) counts.set(name, count + 1);
  }
  return [...counts].sort(([, a], [, b]) => a - b)[0]?.[0];
}

function isCordoned(node: KubeObject): boolean {
  const spec = node.spec;
  return typeof spec === 'object' && spec !== null && 'unschedulable' in spec && spec.unschedulable === true;
}

function refuse(api: Api, events: EventRecorder, pod: PodObject, now: Date): void {
  const total = api.list('nodes').length;
  const message = `0/${total} nodes are available: ${total} node(s) didn't match Pod's node affinity/selector or were unschedulable.`;
  const before = pod.status?.conditions?.find((item) => item.type === 'PodScheduled');
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastTransitionTime: before?.lastTransitionTime ?? timestamp(now),
  };
  const others = (pod.status?.conditions ?? []).filter((item) => item.type !== 'PodScheduled');
  writeStatus(api, 'pods', pod, { ...pod.status, conditions: [...others, condition] }, manager);
  events.record(pod, 'Warning', 'FailedScheduling', message);
}

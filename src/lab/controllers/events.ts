/** Events about objects, counted up where the same thing happens again, as client-go's recorder does. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api } from '../api/api.ts';
import { ApiStatus } from '../api/status.ts';
import { timestamp } from './conditions.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /** `fieldPath` names a part of the object: `spec.containers{sleep}`. Never fails the caller: an event about an object whose namespace is going away is dropped. */
  record(about: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void;
}

/**
 * @param component who says it: `deployment-controller`, `kubelet`
 * @param now the lab's clock
 * @param host the node, for a kubelet's events
 */
export function createRecorder(api: Api, component: string, now: () => Date, host?: string): EventRecorder {
  /** Name of the event that already says this about this object. */
  const said = new Map<string, string>();
  return {
    record(about, type, reason, message, fieldPath) {
      const namespace = about.metadata.namespace ?? 'default';
      const time = timestamp(now());
      const key = [about.metadata.uid, reason, message, fieldPath].join('\n');
      const known = said.get(key);
      const before = known === undefined ? undefined : api.get('events', namespace, known);
      try {
        if (before !== undefined) {
          const count = typeof before.count === 'number' ? before.count + 1 : 2;
          api.update('events', { ...before, count, lastTimestamp: time }, component);
          return;
        }
        const name = `${about.metadata.name}.${uniqueSuffix(now)}`;
        api.create(
          'events',
          eventOf(about, { name, namespace, type, reason, message, time, component, host, fieldPath }),
          component,
        );
        if (said.size > 2_000) said.clear();
        said.set(key, name);
      } catch (error) {
        // The namespace is terminating, or the event was collected meanwhile.
        if (!(error instanceof ApiStatus)) throw error;
      }
    },
  };
}

let sequence = 0;

/** Sixteen hex digits that grow with time, as client-go makes them from nanoseconds. */
function uniqueSuffix(now: () => Date): string {
  sequence = (sequence + 1) % 1_000_000;
  return (BigInt(now().getTime()) * 1_000_000n + BigInt(sequence)).toString(16);
}

interface EventFacts {
  readonly name: string;
  readonly namespace: string;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly time: string;
  readonly component: string;
  readonly host: string | undefined;
  readonly fieldPath: string | undefined;
}

function eventOf(about: KubeObject, facts: EventFacts): KubeObject {
  const { name, namespace, type, reason, message, time, component, host, fieldPath } = facts;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: about.metadata.name,
      ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
      uid: about.metadata.uid,
      resourceVersion: about.metadata.resourceVersion,
      ...(fieldPath === undefined ? {} : { fieldPath }),
    },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    eventTime: null,
    reportingComponent: component,
    reportingInstance: host ?? '',
    source: { component, ...(host === undefined ? {} : { host }) },
  };
}

/** `events.k8s.io/v1` is the same resource as the core group's events, with other names for some fields. */
import type { JsonObject } from '../json.ts';

const renamed: readonly (readonly [stored: string, served: string])[] = [
  ['message', 'note'],
  ['involvedObject', 'regarding'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

/** Changes a stored core event into the shape of events.k8s.io/v1. */
export function toEventsV1(event: JsonObject): void {
  for (const [stored, served] of renamed) move(event, stored, served);
}

/** Changes an events.k8s.io/v1 event into the stored shape. */
export function fromEventsV1(event: JsonObject): void {
  for (const [stored, served] of renamed) move(event, served, stored);
}

function move(object: JsonObject, from: string, to: string): void {
  if (object[from] === undefined) return;
  object[to] = object[from];
  delete object[from];
}

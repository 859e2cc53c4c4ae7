/** The form in which a snapshot is saved: JSON with a version, and one object a line so that two of them can be compared. */
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Origin, Snapshot, SnapshotObject, Unseen } from '../mesh/snapshot.ts';
import { asList, asNumber, asObject, asText, isObject, type JsonObject } from './json-value.ts';

export const savedSnapshotKind = 'Snapshot';
const group = 'snapshot.padlock.dev';
export const savedSnapshotVersion = `${group}/v1`;

/** Whether a document is a saved snapshot, of this version or of another. */
export function isSavedSnapshot(value: unknown): value is JsonObject {
  if (!isObject(value) || value.kind !== savedSnapshotKind) return false;
  return asText(value.apiVersion)?.startsWith(`${group}/`) === true;
}

/** @throws PadlockError `INPUT_INVALID` for a snapshot of a later version, or one that was changed by hand and broken */
export function parseSavedSnapshot(value: JsonObject, file: string): Snapshot {
  if (value.apiVersion !== savedSnapshotVersion) {
    throw new PadlockError('INPUT_INVALID', `${file} is a snapshot of version ${String(value.apiVersion)}`, {
      hint: `this Padlock reads ${savedSnapshotVersion}; use the version that saved it, or a newer one`,
    });
  }
  const takenAt = asText(value.takenAt);
  return {
    source: asText(value.source) ?? file,
    ...(takenAt === undefined ? {} : { takenAt }),
    objects: asList(value.objects).map((entry, index) => parseEntry(entry, index, file)),
    unseen: asList(value.unseen).map(parseUnseen),
  };
}

function parseEntry(value: unknown, index: number, file: string): SnapshotObject {
  const entry = asObject(value);
  const object = asObject(entry.object);
  const metadata = asObject(object.metadata);
  const whole = asText(object.apiVersion) !== undefined && asText(object.kind) !== undefined;
  if (!whole || asText(metadata.name) === undefined) {
    throw new PadlockError(
      'INPUT_INVALID',
      `object ${index} of the snapshot ${file} has no apiVersion, kind or name`,
    );
  }
  // apiVersion, kind and metadata.name, which KubeObject states, were checked.
  return { object: object as unknown as KubeObject, origin: parseOrigin(entry.origin, file) };
}

function parseOrigin(value: unknown, file: string): Origin {
  const origin = asObject(value);
  const line = asNumber(origin.line);
  return { source: asText(origin.source) ?? file, ...(line === undefined ? {} : { line }) };
}

function parseUnseen(value: unknown): Unseen {
  const unseen = asObject(value);
  const namespace = asText(unseen.namespace);
  return {
    resource: asText(unseen.resource) ?? 'unknown',
    ...(namespace === undefined ? {} : { namespace }),
    reason: asText(unseen.reason) ?? 'not said',
  };
}

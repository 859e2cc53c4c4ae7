/** From a document's value to the objects in it: lists unpacked, types checked as far as every reader needs them. */
import { PadlockError } from '../../errors.ts';
import { isFields } from '../../istio/fields.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { SnapshotObject } from '../../mesh/snapshot.ts';
import type { ReadDocument } from './document-reader.ts';
import { keepFields } from './fields.ts';
import { whatIsRead } from './what-is-read.ts';

/** Lists of lists deeper than this are no listing. */
const maxListDepth = 5;

/** Files for tools, that are no objects of a cluster although they look like some. */
const toolGroups = /^(?:kustomize\.config\.k8s\.io|kind\.x-k8s\.io|k3d\.io|skaffold|install\.istio\.io)\//;

/**
 * The objects of one document. Secrets are left out.
 * @throws PadlockError `INPUT_INVALID` with file and line for what is no Kubernetes object
 */
export function objectsOf(document: ReadDocument, source: string): readonly SnapshotObject[] {
  const objects: SnapshotObject[] = [];
  unpack(document.value, { source, line: document.line, depth: 0 }, document.itemLines, objects);
  return objects;
}

interface Place {
  readonly source: string;
  readonly line: number;
  readonly depth: number;
}

/** What items of a typed list, `PodList` and its like, leave to the list to say. */
interface ItemType {
  readonly apiVersion: string;
  readonly kind: string;
}

function unpack(
  value: unknown,
  place: Place,
  itemLines: readonly number[],
  into: SnapshotObject[],
  itemType?: ItemType,
): void {
  if (!isFields(value)) throw invalid(place, `this is ${typeName(value)}, not a Kubernetes object`);
  const apiVersion = value.apiVersion ?? itemType?.apiVersion;
  const kind = value.kind ?? itemType?.kind;
  if (typeof kind !== 'string' || kind === '') throw invalid(place, missing(kind, 'kind'), kindHint);
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    throw invalid(place, `${missing(apiVersion, 'apiVersion')} (kind ${printable(kind)})`, kindHint);
  }
  if (kind.endsWith('List') && ('items' in value || kind === 'List')) {
    unpackList(value.items, { apiVersion, kind }, place, itemLines, into);
    return;
  }
  if (kind === 'Secret' || toolGroups.test(apiVersion)) return;
  const { source, line } = place;
  into.push({ object: asObject(value, { apiVersion, kind }, place), origin: { source, line } });
}

function unpackList(
  items: unknown,
  list: ItemType,
  place: Place,
  itemLines: readonly number[],
  into: SnapshotObject[],
): void {
  if (items === null || items === undefined) return;
  if (!Array.isArray(items))
    throw invalid(place, `items of this ${list.kind} is ${typeName(items)}, not a list`);
  if (place.depth >= maxListDepth) throw invalid(place, 'lists within lists, too deep');
  const itemKind = list.kind.slice(0, -'List'.length);
  const itemType = itemKind === '' ? undefined : { apiVersion: list.apiVersion, kind: itemKind };
  for (const [index, item] of items.entries()) {
    const line = itemLines.length === items.length ? (itemLines[index] ?? place.line) : place.line;
    unpack(item, { source: place.source, line, depth: place.depth + 1 }, [], into, itemType);
  }
}

/** Metadata with its name is there, and a namespace is text; everything else is parsed where it is used. */
function asObject(value: Readonly<Record<string, unknown>>, type: ItemType, place: Place): KubeObject {
  const { metadata } = value;
  const what = printable(type.kind);
  if (!isFields(metadata))
    throw invalid(place, `metadata of this ${what} is ${typeName(metadata)}, not an object`);
  const name = metadata.name ?? metadata.generateName;
  if (typeof name !== 'string') {
    throw invalid(
      place,
      name === undefined ? `this ${what} has no name` : `the name of this ${what} is ${typeName(name)}`,
    );
  }
  const { namespace } = metadata;
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    throw invalid(place, `the namespace of this ${what} is ${typeName(namespace)}, not text`);
  }
  const kept = kindCameLate(value) ? keepFields(value, whatIsRead) : value;
  const fields = isFields(kept) ? kept : value;
  const named = metadata.name === name ? fields : { ...fields, metadata: { ...metadata, name } };
  const whole = 'apiVersion' in named && 'kind' in named ? named : { ...type, ...named };
  // The four facts that KubeObject states were checked above.
  return whole as unknown as KubeObject;
}

/** Fields that stand before `kind` were read when it was not known yet what to keep of them. */
function kindCameLate(value: Readonly<Record<string, unknown>>): boolean {
  for (const field in value) {
    if (field === 'kind') return false;
    if (field !== 'apiVersion' && field !== 'metadata') return true;
  }
  return true;
}

const kindHint =
  'name the files that hold Kubernetes objects; render helm and kustomize sources first and pipe them to "-f -"';

function invalid(place: Place, sentence: string, hint?: string): PadlockError {
  return new PadlockError('INPUT_INVALID', sentence, {
    position: { file: place.source, line: place.line, column: 1 },
    ...(hint === undefined ? {} : { hint }),
  });
}

function missing(value: unknown, field: string): string {
  if (value === undefined || value === null || value === '') return `this document has no ${field}`;
  return `${field} is ${typeName(value)}, not text`;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** A name from a file that may hold anything, for a sentence. */
function printable(text: string): string {
  return /^[\w.-]{1,63}$/.test(text) ? text : JSON.stringify(text.slice(0, 63));
}

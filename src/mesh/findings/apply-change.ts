/** A fix's change carried out on a snapshot, as an API server would: to ask what it would lead to. */
import { formatRef, type KubeObject, type ObjectRef } from '../../istio/kubernetes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { FixChange, Json } from './finding.ts';

function refOf({ kind, metadata }: KubeObject): ObjectRef {
  return {
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
  };
}

/** @throws Error for a patch of what is not there: the fix names something wrong */
export function applyChange(snapshot: Snapshot, change: FixChange): Snapshot {
  if (change.kind === 'apply') return put(snapshot, change.manifest as unknown as KubeObject);
  // Of an object that was read twice the last one counts.
  const at = snapshot.objects.findLastIndex(({ object }) => isSame(refOf(object), change.target));
  const found = snapshot.objects[at];
  if (found === undefined)
    throw new Error(`the fix changes ${formatRef(change.target)}, which does not exist`);
  if (change.kind === 'delete') return { ...snapshot, objects: snapshot.objects.toSpliced(at, 1) };
  if (change.kind === 'restart') throw new Error('a restart needs a controller');
  const object =
    change.kind === 'merge-patch'
      ? mergePatch(found.object as unknown as Json, change.patch)
      : change.operations.reduce<Json>(jsonPatch, structuredClone(found.object) as unknown as Json);
  return {
    ...snapshot,
    objects: snapshot.objects.with(at, { ...found, object: object as unknown as KubeObject }),
  };
}

function put(snapshot: Snapshot, object: KubeObject): Snapshot {
  const others = snapshot.objects.filter((item) => !isSame(refOf(item.object), refOf(object)));
  return { ...snapshot, objects: [...others, { object, origin: { source: 'fix' } }] };
}

/** A manifest that names no namespace is applied to `default`. */
function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? 'default') === (b.namespace ?? 'default');
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7386. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = { ...(isObject(target) ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902, on a copy that may be changed. */
function jsonPatch(
  root: Json,
  operation: Extract<FixChange, { kind: 'json-patch' }>['operations'][number],
): Json {
  const path = operation.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = path.pop() ?? '';
  let parent: unknown = root;
  for (const part of path) parent = Reflect.get(parent as object, part);
  if (typeof parent !== 'object' || parent === null) throw new Error(`no ${operation.path} to patch`);
  if (operation.op !== 'add' && !Reflect.has(parent, last))
    throw new Error(`no ${operation.path} to ${operation.op}`);
  if (operation.op === 'test') {
    if (JSON.stringify(Reflect.get(parent, last)) !== JSON.stringify(operation.value))
      throw new Error('test failed');
  } else if (operation.op === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else Reflect.deleteProperty(parent, last);
  } else if (operation.op === 'add' && Array.isArray(parent)) {
    parent.splice(last === '-' ? parent.length : Number(last), 0, operation.value);
  } else Reflect.set(parent, last, operation.value);
  return root;
}

/** For the checks' tests: YAML into a snapshot with origins, and a fix carried out on it, so that a test can ask whether it mends. */
import { LineCounter, parseAllDocuments } from 'yaml';
import { formatRef, type KubeObject, type ObjectRef } from '../../../istio/kubernetes.ts';
import { buildMesh, type Mesh } from '../../mesh.ts';
import type { Snapshot, SnapshotObject, Unseen } from '../../snapshot.ts';
import type { FixChange, Json } from '../finding.ts';

/** Parses manifests; the text comes from a test, so that mistakes in it throw. */
export function snapshotOf(text: string, source = 'test.yaml'): Snapshot {
  const counter = new LineCounter();
  const objects: SnapshotObject[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: counter })) {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value = document.toJS() as KubeObject | null;
    if (value === null) continue;
    const start = document.contents?.range?.[0] ?? 0;
    objects.push({ object: value, origin: { source, line: counter.linePos(start).line } });
  }
  return { source, objects, unseen: unseenIn(text) };
}

/** What could not be read, written into a manifest as `# unseen: RESOURCE in NAMESPACE because REASON`. */
function unseenIn(text: string): readonly Unseen[] {
  return [...text.matchAll(/^# unseen: (\S+)(?: in (\S+))? because (.+)$/gm)].map(
    ([, resource = '', namespace, reason = '']) => ({
      resource,
      ...(namespace === undefined ? {} : { namespace }),
      reason,
    }),
  );
}

export function meshOf(text: string): Mesh {
  return buildMesh(snapshotOf(text));
}

function refOf({ kind, metadata }: KubeObject): ObjectRef {
  return {
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
  };
}

/** Carries a change out as an API server would. A patch of what is not there throws: the fix names something wrong. */
export function applyChange(snapshot: Snapshot, change: FixChange): Snapshot {
  if (change.kind === 'apply') return put(snapshot, change.manifest as unknown as KubeObject);
  const wanted = formatRef(change.target);
  const at = snapshot.objects.findIndex(({ object }) => formatRef(refOf(object)) === wanted);
  const found = snapshot.objects[at];
  if (found === undefined) throw new Error(`the fix changes ${wanted}, which does not exist`);
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
  const wanted = formatRef(refOf(object));
  const others = snapshot.objects.filter((item) => formatRef(refOf(item.object)) !== wanted);
  return { ...snapshot, objects: [...others, { object, origin: { source: 'fix' } }] };
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

/** JSON Patch (RFC 6902). */
import { cloneJson, equalJson, isObject, type JsonObject, stringAt } from '../json.ts';
import { ApiStatus, badRequest } from '../status.ts';

/**
 * Applies the operations in order to a copy of the document.
 * @throws ApiStatus BadRequest where the patch is none, Invalid where an operation cannot be carried out or a test fails.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  }
  // A root of its own, so that operations on the whole document need no special case.
  const root: JsonObject = { '': cloneJson(document) };
  for (const operation of patch) {
    if (!isObject(operation))
      throw badRequest('json: cannot unmarshal into Go value of type jsonpatch.Operation');
    applyOperation(root, operation);
  }
  return root[''];
}

function applyOperation(root: JsonObject, operation: JsonObject): void {
  const path = pointer(stringAt(operation, 'path'));
  switch (operation.op) {
    case 'add':
      insert(root, path, cloneJson(operation.value));
      return;
    case 'remove':
      remove(root, path);
      return;
    case 'replace':
      find(root, path);
      replace(root, path, cloneJson(operation.value));
      return;
    case 'move': {
      const from = pointer(stringAt(operation, 'from'));
      const value = find(root, from);
      remove(root, from);
      insert(root, path, value);
      return;
    }
    case 'copy':
      insert(root, path, cloneJson(find(root, pointer(stringAt(operation, 'from')))));
      return;
    case 'test':
      if (!equalJson(findOrNull(root, path), operation.value ?? null)) throw impossible();
      return;
    default:
      throw impossible();
  }
}

/** What the real server says of every operation that fails. */
function impossible(): ApiStatus {
  return new ApiStatus('Invalid', 'the server rejected our request due to an error in our request', {});
}

/** `/a/b~1c` -> ['', 'a', 'b/c']: the first step is into the root's own holder. */
function pointer(text: string | undefined): readonly string[] {
  if (text === undefined || (text !== '' && !text.startsWith('/'))) throw impossible();
  return [
    '',
    ...text
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
  ];
}

function step(container: unknown, key: string): unknown {
  if (Array.isArray(container)) {
    const items: readonly unknown[] = container;
    const index = listIndex(key, items.length - 1);
    return items[index];
  }
  if (!isObject(container) || !Object.hasOwn(container, key)) throw impossible();
  return container[key];
}

function listIndex(key: string, last: number): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : -1;
  if (index < 0 || index > last) throw impossible();
  return index;
}

function find(root: JsonObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((container, key) => step(container, key), root);
}

/** A test of a path that is absent compares with null. */
function findOrNull(root: JsonObject, path: readonly string[]): unknown {
  const parent = find(root, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (isObject(parent)) return parent[key] ?? null;
  return step(parent, key);
}

function insert(root: JsonObject, path: readonly string[], value: unknown): void {
  const parent = find(root, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (Array.isArray(parent))
    parent.splice(key === '-' ? parent.length : listIndex(key, parent.length), 0, value);
  else if (isObject(parent)) parent[key] = value;
  else throw impossible();
}

function replace(root: JsonObject, path: readonly string[], value: unknown): void {
  const parent = find(root, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent[listIndex(key, parent.length - 1)] = value;
  else if (isObject(parent)) parent[key] = value;
}

function remove(root: JsonObject, path: readonly string[]): void {
  const parent = find(root, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (Array.isArray(parent)) {
    parent.splice(listIndex(key, parent.length - 1), 1);
    return;
  }
  if (!isObject(parent) || !Object.hasOwn(parent, key)) throw impossible();
  delete parent[key];
}

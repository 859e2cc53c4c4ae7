/** `metadata.managedFields` read and written: each manager with what it does, in which version, and the fields that are its. */
import { isObject, type JsonObject, objectAt, stringAt } from '../json.ts';
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1 } from './field-set.ts';

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly fields: FieldSet;
}

/** Two entries with one identity are one manager. An applier is the same in every version. */
export function identityOf(manager: Omit<Manager, 'fields' | 'time'>): string {
  const version = manager.operation === 'Apply' ? '' : manager.apiVersion;
  return JSON.stringify([manager.name, manager.operation, version, manager.subresource]);
}

/** Reads the managers of an object; a list that is not one of managers counts as none. */
export function readManagers(object: JsonObject | undefined): Map<string, Manager> {
  const managers = new Map<string, Manager>();
  const entries = objectAt(object, 'metadata')?.managedFields;
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (!isObject(entry)) continue;
    const manager: Manager = {
      name: stringAt(entry, 'manager') ?? '',
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: stringAt(entry, 'apiVersion') ?? '',
      subresource: stringAt(entry, 'subresource') ?? '',
      time: stringAt(entry, 'time') ?? '',
      fields: fromFieldsV1(entry.fieldsV1),
    };
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

/** Writes them in the API server's order: appliers first, then by time and name. */
export function writeManagers(managers: Iterable<Manager>): readonly JsonObject[] {
  const key = (one: Manager): string =>
    [one.operation, one.time, one.name, one.apiVersion, one.subresource].join('\n');
  return [...managers]
    .filter((manager) => !isEmpty(manager.fields))
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map((manager) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(manager.time === '' ? {} : { time: manager.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(manager.fields),
      ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
    }));
}

/** How a manager is named in a conflict. */
export function printManager(manager: Manager): string {
  const name = JSON.stringify(manager.name);
  const named =
    manager.subresource === '' ? name : `${name} with subresource ${JSON.stringify(manager.subresource)}`;
  return manager.operation === 'Apply' ? named : `${named} using ${manager.apiVersion}`;
}

/** The fields of metadata that nobody owns: the server writes them, or they are the object's identity. */
export const unowned: FieldSet = fromFieldsV1({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
});

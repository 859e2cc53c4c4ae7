/** Validation of `metadata` on create and update, as apimachinery's `ValidateObjectMeta` and `ValidateObjectMetaUpdate` do it. */
import {
  equalJson,
  type JsonObject,
  objectAt,
  objectsAt,
  stringAt,
  stringMapAt,
  stringsAt,
} from '../json.ts';
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from './field-error.ts';
import { isDns1123Label, isLabelValue, isQualifiedName, type NameRule } from './names.ts';

/** The only finalizers without a domain. */
const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

const maxAnnotationBytes = 256 * 1024;

/** What is wrong with an object's metadata; `rule` is the kind's rule for names. */
export function validateMetadata(
  object: JsonObject,
  namespaced: boolean,
  rule: NameRule,
): readonly FieldError[] {
  const metadata = objectAt(object, 'metadata') ?? {};
  const errors: FieldError[] = [];
  const name = stringAt(metadata, 'name') ?? '';
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else for (const message of rule(name)) errors.push(invalidValue('metadata.name', name, message));
  const namespace = stringAt(metadata, 'namespace') ?? '';
  if (namespaced && namespace === '') errors.push(required('metadata.namespace'));
  if (namespaced && namespace !== '') {
    for (const message of isDns1123Label(namespace))
      errors.push(invalidValue('metadata.namespace', namespace, message));
  }
  if (!namespaced && namespace !== '')
    errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  errors.push(...validateLabels(stringMapAt(metadata, 'labels'), 'metadata.labels'));
  errors.push(...validateAnnotations(stringMapAt(metadata, 'annotations')));
  errors.push(...validateOwners(metadata));
  const prefix = stringAt(metadata, 'generateName') ?? '';
  for (const message of prefix === '' ? [] : rule(prefix.replace(/-$/, 'a')))
    errors.unshift(invalidValue('metadata.generateName', prefix, message));
  stringsAt(metadata, 'finalizers').forEach((finalizer, index) => {
    for (const message of isQualifiedName(finalizer)) {
      errors.push(invalidValue('metadata.finalizers', finalizer, message));
    }
    if (!finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.push(invalidValue(`metadata.finalizers[${index}]`, finalizer, why));
    }
  });
  return errors;
}

/** Labels, wherever they stand: keys and values. */
export function validateLabels(
  labels: Readonly<Record<string, string>>,
  field: string,
): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...isQualifiedName(key).map((message) => invalidValue(field, key, message)),
    ...isLabelValue(value).map((message) => invalidValue(field, value, message)),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    for (const message of isQualifiedName(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, message));
    }
  }
  if (size > maxAnnotationBytes) errors.push(tooLong('metadata.annotations', maxAnnotationBytes));
  return errors;
}

function validateOwners(metadata: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const owner of objectsAt(metadata, 'ownerReferences')) {
    const field = 'metadata.ownerReferences';
    const sentences = {
      apiVersion: 'version must not be empty',
      kind: 'must not be empty',
      name: 'must not be empty',
      uid: 'must not be empty',
    };
    for (const [key, sentence] of Object.entries(sentences)) {
      if ((stringAt(owner, key) ?? '') === '') errors.push(invalidValue(`${field}.${key}`, '', sentence));
    }
  }
  return errors;
}

const immutableFields = ['name', 'namespace', 'uid', 'creationTimestamp'];

/** What an update may not change in metadata. */
export function validateMetadataUpdate(object: JsonObject, old: JsonObject): readonly FieldError[] {
  const metadata = objectAt(object, 'metadata') ?? {};
  const oldMetadata = objectAt(old, 'metadata') ?? {};
  const errors: FieldError[] = [];
  for (const field of immutableFields) {
    if (!equalJson(metadata[field], oldMetadata[field])) {
      errors.push(invalidValue(`metadata.${field}`, metadata[field], 'field is immutable'));
    }
  }
  if (stringAt(oldMetadata, 'deletionTimestamp') !== undefined) {
    const before = new Set(stringsAt(oldMetadata, 'finalizers'));
    const added = stringsAt(metadata, 'finalizers').filter((one) => !before.has(one));
    if (added.length > 0) {
      const list = added.map((one) => JSON.stringify(one)).join(', ');
      const sentence = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
      errors.push(forbiddenField('metadata.finalizers', sentence));
    }
  }
  return errors;
}

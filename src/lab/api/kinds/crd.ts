/** CustomResourceDefinitions: their own defaulting and status, and the resource that each of them makes the server serve. */
import {
  ensureObject,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
  stringsAt,
  valueAt,
} from '../json.ts';
import {
  allVerbs,
  type Resource,
  type Strategy,
  type Subresource,
  scaleSubresource,
} from '../registry/resource.ts';
import { crdSchema } from '../schema/crd-schema.ts';
import { crdTable } from '../tables/crd.ts';
import { type FieldError, invalidValue, required } from '../validation/field-error.ts';

function defaultCrd(crd: JsonObject): void {
  const spec = ensureObject(crd, 'spec');
  const names = ensureObject(spec, 'names');
  const kind = stringAt(names, 'kind') ?? '';
  setDefault(names, 'singular', kind.toLowerCase());
  setDefault(names, 'listKind', `${kind}List`);
  setDefault(spec, 'conversion', { strategy: 'None' });
}

/** What the real server's establishing controller writes a moment later; here a CRD is served at once. */
function establish(crd: JsonObject): void {
  const at = stringAt(objectAt(crd, 'metadata'), 'creationTimestamp') ?? null;
  const spec = objectAt(crd, 'spec');
  const storage = objectsAt(spec, 'versions').find((version) => version.storage === true);
  crd.status = {
    acceptedNames: objectAt(spec, 'names'),
    conditions: [
      {
        lastTransitionTime: at,
        message: 'no conflicts found',
        reason: 'NoConflicts',
        status: 'True',
        type: 'NamesAccepted',
      },
      {
        lastTransitionTime: at,
        message: 'the initial names have been accepted',
        reason: 'InitialNamesAccepted',
        status: 'True',
        type: 'Established',
      },
    ],
    storedVersions: [stringAt(storage, 'name') ?? ''],
  };
}

function validateCrd(crd: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const spec = objectAt(crd, 'spec');
  const names = objectAt(spec, 'names');
  const name = stringAt(objectAt(crd, 'metadata'), 'name') ?? '';
  const expected = `${stringAt(names, 'plural') ?? ''}.${stringAt(spec, 'group') ?? ''}`;
  if (name !== expected)
    errors.push(invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  if ((stringAt(spec, 'group') ?? '') === '') errors.push(required('spec.group'));
  const scope = stringAt(spec, 'scope') ?? '';
  if (scope !== 'Namespaced' && scope !== 'Cluster') errors.push(required('spec.scope'));
  const versions = objectsAt(spec, 'versions');
  if (versions.filter((version) => version.storage === true).length !== 1) {
    errors.push(
      invalidValue(
        'spec.versions',
        versions.map((version) => version.name),
        'must have exactly one version marked as storage version',
      ),
    );
  }
  versions.forEach((version, index) => {
    if (objectAt(objectAt(version, 'schema'), 'openAPIV3Schema') === undefined) {
      errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'));
    }
  });
  return errors;
}

export const crdStrategy: Strategy = {
  defaults: defaultCrd,
  prepareForCreate: establish,
  validate: validateCrd,
};

/** A label, field and version as the API orders them: GA before beta before alpha, newer before older. */
function versionRank(name: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
  if (match === null) return [0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}

/** Sorts version names by the API's rule of priority, the preferred one first. */
export function byPriority(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (right[index] ?? 0) - (left[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

/** The resource that a stored CRD describes. */
export function resourceOfCrd(crd: JsonObject): Resource {
  const spec = objectAt(crd, 'spec') ?? {};
  const names = objectAt(spec, 'names') ?? {};
  const versions = objectsAt(spec, 'versions').toSorted((a, b) =>
    byPriority(stringAt(a, 'name') ?? '', stringAt(b, 'name') ?? ''),
  );
  const storage = versions.find((version) => version.storage === true);
  const subresources = objectAt(storage, 'subresources');
  const hasStatus = isObject(subresources?.status);
  const listed: Subresource[] = [];
  if (hasStatus) listed.push({ name: 'status', verbs: ['get', 'patch', 'update'] });
  if (isObject(subresources?.scale)) listed.push(scaleSubresource);
  return {
    group: stringAt(spec, 'group') ?? '',
    resource: stringAt(names, 'plural') ?? '',
    kind: stringAt(names, 'kind') ?? '',
    singular: stringAt(names, 'singular') ?? '',
    shortNames: stringsAt(names, 'shortNames'),
    categories: stringsAt(names, 'categories'),
    namespaced: stringAt(spec, 'scope') === 'Namespaced',
    versions: versions.map((version) => ({
      name: stringAt(version, 'name') ?? '',
      served: version.served === true,
    })),
    storageVersion: stringAt(storage, 'name') ?? '',
    verbs: allVerbs,
    subresources: listed,
    hasStatus,
    hasGeneration: true,
    custom: true,
    schema: (name) => {
      const version = versions.find((one) => one.name === name);
      return version === undefined ? undefined : crdSchema(valueAt(version, 'schema', 'openAPIV3Schema'));
    },
    table: (name) =>
      crdTable(
        objectsAt(
          versions.find((one) => one.name === name),
          'additionalPrinterColumns',
        ),
      ),
    strategy: {},
  };
}

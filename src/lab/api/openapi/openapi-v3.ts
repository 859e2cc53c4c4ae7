/**
 * OpenAPI v3 documents, one for each group version, made when asked for: what kubectl reads for `explain`, for
 * merge keys, and to learn that the server itself validates fields and knows dry runs.
 */
import { createHash } from 'node:crypto';
import { isObject } from '../json.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resource } from '../registry/resource.ts';
import { kubernetesVersion } from '../schema/builtin.ts';
import { Components } from './components.ts';

type Json = Record<string, unknown>;

const groupVersionPath = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

/** @returns the list of documents, as `/openapi/v3` gives it. */
export function openApiIndex(registry: Registry): unknown {
  const paths: Json = {};
  for (const group of registry.groups()) {
    for (const version of group.versions) {
      const path = groupVersionPath(group.name, version);
      const names = registry.resourcesOf(group.name, version).map((one) => one.resource);
      const hash = createHash('sha256')
        .update(JSON.stringify([kubernetesVersion, path, names]))
        .digest('hex')
        .slice(0, 32)
        .toUpperCase();
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
  }
  return { paths };
}

/** @returns the document of a group version, undefined where it is not served. */
export function openApiDocument(registry: Registry, group: string, version: string): unknown {
  const resources = registry.resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  const components = new Components();
  const paths: Json = {};
  for (const resource of resources) Object.assign(paths, addResource(components, resource, version));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: kubernetesVersion },
    paths,
    components: { schemas: components.toJSON() },
  };
}

function addResource(components: Components, resource: Resource, version: string): Json {
  const groupVersionKind = { group: resource.group, version, kind: resource.kind };
  const name = `${resource.group.split('.').toReversed().join('.')}.${version}.${resource.kind}`;
  const schema = resource.schema(version) ?? { type: 'object' as const };
  components.addKind(name, schema, groupVersionKind);
  const reference =
    schema.typeName === undefined
      ? { $ref: `#/components/schemas/${name}` }
      : components.refer(schema.typeName);
  const operation = new Operations(groupVersionKind, reference);
  const root = `/${groupVersionPath(resource.group, version)}`;
  const collection = resource.namespaced
    ? `${root}/namespaces/{namespace}/${resource.resource}`
    : `${root}/${resource.resource}`;
  const paths: Json = { [collection]: operation.of(resource, ['get', 'post', 'delete'], 'list') };
  const item = operation.of(resource, ['get', 'put', 'patch', 'delete'], 'get');
  if (isObject(item) && Object.keys(item).length > 0) paths[`${collection}/{name}`] = item;
  if (resource.namespaced && resource.verbs.includes('list'))
    paths[`${root}/${resource.resource}`] = operation.of(resource, ['get'], 'list');
  for (const sub of resource.subresources) {
    if (!sub.verbs.includes('patch') || sub.kind !== undefined) continue;
    paths[`${collection}/{name}/${sub.name}`] = operation.of(resource, ['get', 'put', 'patch'], 'get');
  }
  return paths;
}

const verbsOf: Readonly<Record<string, readonly string[]>> = {
  get: ['get'],
  post: ['create'],
  put: ['update'],
  patch: ['patch'],
  delete: ['delete'],
};

const query = (name: string, type = 'string'): Json => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});

const parametersOf: Readonly<Record<string, readonly Json[]>> = {
  get: ['continue', 'fieldSelector', 'labelSelector', 'resourceVersion'].map((name) => query(name)),
  post: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => query(name)),
  put: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => query(name)),
  patch: [
    ...['dryRun', 'fieldManager', 'fieldValidation'].map((name) => query(name)),
    query('force', 'boolean'),
  ],
  delete: [query('dryRun'), query('gracePeriodSeconds', 'integer'), query('propagationPolicy')],
};

const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
];

class Operations {
  readonly #kind: Json;
  readonly #reference: Json;

  constructor(kind: Json, reference: Json) {
    this.#kind = kind;
    this.#reference = reference;
  }

  of(resource: Resource, methods: readonly string[], reading: 'get' | 'list'): Json {
    const operations: Json = {};
    for (const method of methods) {
      const verb =
        method === 'get'
          ? reading
          : method === 'delete' && reading === 'list'
            ? 'deletecollection'
            : verbsOf[method]?.[0];
      if (!resource.verbs.some((one) => one === verb)) continue;
      operations[method] = this.#operation(method, resource.custom);
    }
    return operations;
  }

  #operation(method: string, custom: boolean): Json {
    const content = { 'application/json': { schema: this.#reference } };
    const types = custom ? patchTypes : [...patchTypes, 'application/strategic-merge-patch+json'];
    const patchContent = Object.fromEntries(types.map((type) => [type, { schema: {} }]));
    const hasBody = method !== 'get' && method !== 'delete';
    return {
      parameters: parametersOf[method] ?? [],
      ...(hasBody
        ? { requestBody: { required: true, content: method === 'patch' ? patchContent : content } }
        : {}),
      responses: { [method === 'post' ? '201' : '200']: { description: 'OK', content } },
      'x-kubernetes-action': verbsOf[method]?.[0],
      'x-kubernetes-group-version-kind': this.#kind,
    };
  }
}

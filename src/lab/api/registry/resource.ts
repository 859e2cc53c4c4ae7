/**
 * What the API server knows about one resource, as data. A new kind is a new entry in one of the files of this
 * folder; behaviour that data cannot say (defaulting, validation, table rows) hangs on it as small functions.
 */
import type { JsonObject } from '../json.ts';
import { builtinSchema } from '../schema/builtin.ts';
import type { Schema } from '../schema/schema.ts';
import type { GroupResource } from '../status.ts';
import { namedTable } from '../tables/table.ts';
import type { FieldError } from '../validation/field-error.ts';
import type { NameRule } from '../validation/names.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** A subresource as discovery lists it. */
export interface Subresource {
  readonly name: string;
  /** Kind of the body where it is not the resource's own: `Scale`, `Eviction`, `PodExecOptions`. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** A column of `kubectl get`: priority 0 always shows, 1 only with `-o wide`. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

/** How a resource is printed. `cells` gives one value for each column; `now` is for ages. */
export interface TablePrinter {
  readonly columns: readonly TableColumn[];
  readonly cells: (object: JsonObject, now: Date) => readonly unknown[];
}

export interface ResourceVersion {
  readonly name: string;
  readonly served: boolean;
  /** Where the version's shape differs from the stored one. Both change the draft that they are given. */
  readonly fromStorage?: (draft: JsonObject) => void;
  readonly toStorage?: (draft: JsonObject) => void;
}

/** Behaviour that hangs on a kind; every part may be absent. Functions change the draft that they are given. */
export interface Strategy {
  /** Fills in what the real API server fills in, on reading a request. */
  readonly defaults?: (draft: JsonObject) => void;
  /** On create, before validation: what clients may not set is taken away. */
  readonly prepareForCreate?: (draft: JsonObject, context: StrategyContext) => void;
  readonly prepareForUpdate?: (draft: JsonObject, old: JsonObject, context: StrategyContext) => void;
  readonly validate?: (object: JsonObject, old: JsonObject | undefined) => readonly FieldError[];
  /** Said to every writer in a `Warning` header: the kind is on its way out. */
  readonly deprecation?: string;
  /** Nodes alone: their kubelet creates them with a status. */
  readonly keepsStatusOnCreate?: true;
  /** Rule for the names of this kind's objects; DNS subdomains where absent. */
  readonly nameRule?: NameRule;
  /** Seconds of grace that a deletion gives when the client names none; absent: deleted at once. */
  readonly gracePeriod?: (object: JsonObject) => number;
  /** Fields of `?fieldSelector=` beyond metadata.name and metadata.namespace, with their value in an object. */
  readonly selectableFields?: Readonly<Record<string, (object: JsonObject) => string>>;
}

/** What strategies may ask of the server around them. */
export interface StrategyContext {
  readonly now: () => Date;
  /** Takes a free ClusterIP, or the asked one. */
  readonly allocateClusterIP: (wanted: string | undefined, service: string) => string;
  readonly allocateNodePort: (wanted: number | undefined, service: string) => number;
}

export interface Resource extends GroupResource {
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** The first served one is preferred. */
  readonly versions: readonly ResourceVersion[];
  readonly storageVersion: string;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** `status` is written by its own subresource only. */
  readonly hasStatus: boolean;
  /** `metadata.generation` counts changes of everything but metadata and status. */
  readonly hasGeneration: boolean;
  /** Comes from a CRD: unknown fields are pruned by its schema, values are checked against it. */
  readonly custom: boolean;
  readonly schema: (version: string) => Schema | undefined;
  readonly table: (version: string) => TablePrinter;
  readonly strategy: Strategy;
}

const readWrite: readonly string[] = ['get', 'patch', 'update'];

export interface ResourceSpec {
  readonly group: string;
  readonly versions?: readonly (string | ResourceVersion)[];
  readonly storageVersion?: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly clusterScoped?: true;
  readonly verbs?: readonly Verb[];
  readonly status?: boolean;
  readonly generation?: boolean;
  readonly subresources?: readonly Subresource[];
  readonly schemaGroup?: string;
  readonly table?: TablePrinter;
  readonly strategy?: Strategy;
}

/** Builds a Resource from what is particular about it; the rest follows the API's conventions. */
export function resource(spec: ResourceSpec): Resource {
  const versions = (spec.versions ?? ['v1']).map((version) =>
    typeof version === 'string' ? { name: version, served: true } : version,
  );
  const schemaGroup = spec.schemaGroup ?? (spec.group === '' ? 'core' : (spec.group.split('.')[0] ?? ''));
  const status: readonly Subresource[] = spec.status === true ? [{ name: 'status', verbs: readWrite }] : [];
  return {
    group: spec.group,
    resource: spec.plural,
    kind: spec.kind,
    singular: spec.singular ?? spec.kind.toLowerCase(),
    shortNames: spec.shortNames ?? [],
    categories: spec.categories ?? [],
    namespaced: spec.clusterScoped !== true,
    versions,
    storageVersion: spec.storageVersion ?? versions[0]?.name ?? 'v1',
    verbs: spec.verbs ?? allVerbs,
    subresources: [...(spec.subresources ?? []), ...status],
    hasStatus: spec.status === true,
    hasGeneration: spec.generation === true,
    custom: false,
    schema: (version) => builtinSchema(`${schemaGroup}.${version}.${spec.kind}`),
    table: () => spec.table ?? namedTable([]),
    strategy: spec.strategy ?? {},
  };
}

/** The `scale` subresource of workloads. */
export const scaleSubresource: Subresource = {
  name: 'scale',
  kind: 'Scale',
  group: 'autoscaling',
  version: 'v1',
  verbs: readWrite,
};

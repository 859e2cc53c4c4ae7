/** From stored objects to answers: in the version asked for, as objects, tables or metadata alone. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { draftOf, type JsonObject } from '../json.ts';
import { formatApiVersion } from '../registry/registry.ts';
import type { Resource, TablePrinter } from '../registry/resource.ts';
import type { Representation } from './negotiate.ts';

/** What decides the shape of an answer. */
export interface View {
  readonly resource: Resource;
  readonly version: string;
  readonly representation: Representation;
  /** `?includeObject=`: what table rows carry of their object. */
  readonly includeObject: 'Object' | 'Metadata' | 'None';
  readonly now: () => Date;
}

/** Metadata of a list: its revision, and where the next page starts. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** @returns the object in the version of the URL. The stored one itself where nothing differs. */
export function inVersion(object: KubeObject, resource: Resource, version: string): JsonObject | KubeObject {
  const served = resource.versions.find((one) => one.name === version);
  const apiVersion = formatApiVersion(resource.group, version);
  if (object.apiVersion === apiVersion && served?.fromStorage === undefined) return object;
  const draft = draftOf(object);
  served?.fromStorage?.(draft);
  draft.apiVersion = apiVersion;
  return draft;
}

export function presentObject(object: KubeObject, view: View): unknown {
  const { as } = view.representation;
  if (as === 'Table')
    return tableOf([object], view, { resourceVersion: object.metadata.resourceVersion ?? '' });
  if (as === 'PartialObjectMetadata') return metadataOnly(object);
  return inVersion(object, view.resource, view.version);
}

export function presentList(objects: readonly KubeObject[], view: View, metadata: ListMeta): unknown {
  const { as } = view.representation;
  if (as === 'Table') return tableOf(objects, view, metadata);
  if (as === 'PartialObjectMetadata') {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: objects.map((object) => metadataOnly(object)),
    };
  }
  const { resource, version } = view;
  return {
    kind: `${resource.kind}List`,
    apiVersion: formatApiVersion(resource.group, version),
    metadata,
    items: objects.map((object) => listItem(inVersion(object, resource, version), resource)),
  };
}

/** Items of built-in lists carry no type of their own: the list says it. */
function listItem(object: JsonObject | KubeObject, resource: Resource): unknown {
  if (resource.custom) return object;
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  return rest;
}

function metadataOnly(object: KubeObject): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** A table of the objects. In a watch, only the first table carries the columns. */
export function tableOf(
  objects: readonly KubeObject[],
  view: View,
  metadata: ListMeta,
  withColumns = true,
): unknown {
  const printer = view.resource.table(view.version);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? columns(printer) : null,
    rows: objects.map((object) => ({
      cells: printer.cells({ ...object }, view.now()),
      ...rowObject(object, view),
    })),
  };
}

function columns(printer: TablePrinter): unknown {
  return printer.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description: description ?? '',
    priority: priority ?? 0,
  }));
}

function rowObject(object: KubeObject, view: View): { readonly object?: unknown } {
  if (view.includeObject === 'None') return { object: null };
  if (view.includeObject === 'Object') return { object: inVersion(object, view.resource, view.version) };
  return { object: metadataOnly(object) };
}

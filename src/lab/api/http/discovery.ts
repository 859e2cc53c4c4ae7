/** Discovery: which groups, versions and resources there are, in the aggregated form of today's clients and in the older one. */
import { type ApiGroup, formatApiVersion, type Registry } from '../registry/registry.ts';
import type { Resource, Subresource } from '../registry/resource.ts';
import { wantsAggregatedDiscovery } from './negotiate.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import { jsonResponse } from './request.ts';

/** Answers `/api`, `/apis` and what lies below them in discovery; undefined where the path is none of these. */
export function discovery(registry: Registry, request: ApiRequest): ApiResponse | undefined {
  const path = request.url.pathname.replace(/\/$/, '');
  const segments = path.split('/').slice(1);
  const groups = registry.groups();
  if (path === '/api' || path === '/apis') {
    const version = wantsAggregatedDiscovery(request.headers.accept);
    const listed = groups.filter((group) => (group.name === '') === (path === '/api'));
    if (version !== undefined) return aggregated(registry, listed, version);
    return jsonResponse(path === '/api' ? coreVersions(request) : groupList(listed));
  }
  if (segments[0] === 'api' && segments.length === 2)
    return resourceList(registry, groups, '', segments[1] ?? '');
  if (segments[0] !== 'apis') return undefined;
  if (segments.length === 3) return resourceList(registry, groups, segments[1] ?? '', segments[2] ?? '');
  const group = groups.find((one) => one.name === segments[1]);
  return segments.length === 2 && group !== undefined
    ? jsonResponse({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) })
    : undefined;
}

function coreVersions(request: ApiRequest): unknown {
  const address = request.headers.host ?? '127.0.0.1';
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

function groupEntry(group: ApiGroup): Record<string, unknown> {
  const entry = (version: string): unknown => ({
    groupVersion: formatApiVersion(group.name, version),
    version,
  });
  return {
    name: group.name,
    versions: group.versions.map((version) => entry(version)),
    preferredVersion: entry(group.versions[0] ?? ''),
  };
}

function groupList(groups: readonly ApiGroup[]): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((group) => groupEntry(group)) };
}

function resourceList(
  registry: Registry,
  groups: readonly ApiGroup[],
  group: string,
  version: string,
): ApiResponse | undefined {
  const isServed = groups.some((one) => one.name === group && one.versions.includes(version));
  if (!isServed) return undefined;
  const resources = registry.resourcesOf(group, version).flatMap((one) => [
    {
      name: one.resource,
      singularName: one.singular,
      namespaced: one.namespaced,
      kind: one.kind,
      verbs: one.verbs,
      ...listed('shortNames', one.shortNames),
      ...listed('categories', one.categories),
    },
    ...one.subresources.map((sub) => legacySubresource(one, sub)),
  ]);
  return jsonResponse({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: formatApiVersion(group, version),
    resources,
  });
}

function legacySubresource(resource: Resource, sub: Subresource): unknown {
  return {
    name: `${resource.resource}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind ?? resource.kind,
    verbs: sub.verbs,
  };
}

function listed(field: string, values: readonly string[]): Record<string, readonly string[]> {
  return values.length === 0 ? {} : { [field]: values };
}

function aggregated(registry: Registry, groups: readonly ApiGroup[], apiVersion: string): ApiResponse {
  const items = groups.map((group) => ({
    metadata: { name: group.name, creationTimestamp: null },
    versions: group.versions.map((version) => ({
      version,
      resources: registry.resourcesOf(group.name, version).map((one) => aggregatedResource(one, version)),
      freshness: 'Current',
    })),
  }));
  const json = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items,
  };
  return {
    status: 200,
    body: {
      text: JSON.stringify(json),
      type: `application/json;g=apidiscovery.k8s.io;v=${apiVersion};as=APIGroupDiscoveryList`,
    },
  };
}

function aggregatedResource(resource: Resource, version: string): unknown {
  return {
    resource: resource.resource,
    responseKind: { group: resource.group, version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...listed('shortNames', resource.shortNames),
    ...listed('categories', resource.categories),
    ...(resource.subresources.length === 0
      ? {}
      : { subresources: resource.subresources.map((sub) => aggregatedSubresource(resource, version, sub)) }),
  };
}

function aggregatedSubresource(resource: Resource, version: string, sub: Subresource): unknown {
  return {
    subresource: sub.name,
    responseKind: {
      group: sub.group ?? (sub.kind === undefined ? resource.group : ''),
      version: sub.version ?? version,
      kind: sub.kind ?? resource.kind,
    },
    verbs: sub.verbs,
  };
}

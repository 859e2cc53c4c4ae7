/** All resources that are served now: the built-in ones, and those of the CRDs that are stored. */
import type { JsonObject } from '../json.ts';
import { byPriority, resourceOfCrd } from '../kinds/crd.ts';
import { type GroupResource, qualified } from '../status.ts';
import { accessResources } from './access.ts';
import { clusterResources } from './cluster.ts';
import { coreResources } from './core.ts';
import type { Resource } from './resource.ts';
import { workloadResources } from './workloads.ts';

/** A group as discovery lists it. */
export interface ApiGroup {
  readonly name: string;
  /** Preferred first. */
  readonly versions: readonly string[];
}

export class Registry {
  readonly #resources = new Map<string, Resource>();

  constructor() {
    for (const resource of [
      ...coreResources,
      ...workloadResources,
      ...clusterResources,
      ...accessResources,
    ]) {
      this.#resources.set(qualified(resource), resource);
    }
  }

  /** Serves what a CRD describes, in place of what it described before. */
  addCrd(crd: JsonObject): void {
    const resource = resourceOfCrd(crd);
    this.#resources.set(qualified(resource), resource);
  }

  removeCrd(name: GroupResource): void {
    this.#resources.delete(qualified(name));
  }

  /** @returns the resource by kubectl's notation: `pods`, `deployments.apps`. */
  byName(name: string): Resource | undefined {
    return this.#resources.get(name);
  }

  /** @returns the resource where the group serves it in that version. */
  find(group: string, version: string, plural: string): Resource | undefined {
    const resource = this.#resources.get(qualified({ group, resource: plural }));
    return resource?.versions.some((one) => one.name === version && one.served) === true
      ? resource
      : undefined;
  }

  /** @returns the resource of a kind: `apps/v1` and `Deployment`. */
  byKind(apiVersion: string, kind: string): Resource | undefined {
    const { group, version } = parseApiVersion(apiVersion);
    return this.all().find(
      (one) =>
        one.kind === kind && one.group === group && one.versions.some((served) => served.name === version),
    );
  }

  all(): readonly Resource[] {
    return [...this.#resources.values()];
  }

  /** Groups in the order in which discovery prefers them: built-in ones first. */
  groups(): readonly ApiGroup[] {
    const versions = new Map<string, Set<string>>();
    for (const resource of this.all()) {
      const known = versions.get(resource.group) ?? new Set();
      for (const version of resource.versions) if (version.served) known.add(version.name);
      versions.set(resource.group, known);
    }
    return [...versions]
      .filter(([, names]) => names.size > 0)
      .map(([name, names]) => ({ name, versions: [...names].sort(byPriority) }));
  }

  resourcesOf(group: string, version: string): readonly Resource[] {
    return this.all()
      .filter((one) => one.group === group && one.versions.some((v) => v.name === version && v.served))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  }
}

/** @returns group and version of `apps/v1` or `v1`. */
export function parseApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  if (slash === -1) return { group: '', version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** @returns `apps/v1`, or `v1` for the core group. */
export function formatApiVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

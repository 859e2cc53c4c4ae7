/** The URL of a resource (kubernetes.io/docs/reference/using-api/api-concepts). */
import type { ListOptions, ResourceType } from '../cluster.ts';

export function resourcePath(type: ResourceType, namespace?: string, name?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${type.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

/** @returns the query of a list or watch, without the question mark. */
export function listQuery(options: ListOptions, extra: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  const all = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector, ...extra };
  for (const [name, value] of Object.entries(all))
    if (value !== undefined && value !== '') query.set(name, value);
  return query.toString();
}

/** Reads what the API server sent as a Kubernetes object. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { asText, isObject, type JsonObject } from '../json-value.ts';

/** @returns whether the value has what every object of the API has: its type and a name or a resource version. */
export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isObject(value) &&
    typeof value.kind === 'string' &&
    typeof value.apiVersion === 'string' &&
    isObject(value.metadata)
  );
}

/** Members of a list leave out their type, which the list names: `PodList` holds `Pod`s. */
export function listMember(item: JsonObject, list: JsonObject): KubeObject | undefined {
  const kind = asText(item.kind) ?? asText(list.kind)?.replace(/List$/, '') ?? '';
  const apiVersion = asText(item.apiVersion) ?? asText(list.apiVersion) ?? '';
  const object = { ...item, apiVersion, kind };
  return isKubeObject(object) ? object : undefined;
}

import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Api, ResourceName } from '../api/api.ts';
import { equalJson } from '../api/json.ts';

/** Writes a status where it says something new: an unchanged status is no event for anybody. */
export function writeStatus(
  api: Api,
  resource: ResourceName,
  object: KubeObject,
  status: object,
  manager: string,
): void {
  if (equalJson(object.status, status)) return;
  api.updateStatus(resource, { ...object, status }, manager);
}

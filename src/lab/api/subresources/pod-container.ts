/** Which pod and which container a request to the node is about. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import { mustGet } from '../engine/engine.ts';
import type { ResourceContext } from '../http/context.ts';
import { draftOf, type JsonObject, objectAt, objectsAt, stringAt } from '../json.ts';
import { badRequest } from '../status.ts';

/** @throws ApiStatus NotFound */
export function podOf(context: ResourceContext): KubeObject {
  return mustGet(context.engine, context.stored, context.info.namespace, context.info.name ?? '');
}

/**
 * The container that the request names, or the pod's only one.
 * @throws ApiStatus BadRequest, as the real server words it, where none or a wrong one is named.
 */
export function containerOf(pod: KubeObject, named: string): string {
  const spec = objectAt(draftOf(pod), 'spec');
  const names = (field: string): readonly string[] =>
    objectsAt(spec, field).map((one: JsonObject) => stringAt(one, 'name') ?? '');
  const containers = names('containers');
  const init = names('initContainers');
  const ephemeral = names('ephemeralContainers');
  const { name } = pod.metadata;
  if (named !== '') {
    if ([...containers, ...init, ...ephemeral].includes(named)) return named;
    throw badRequest(`container ${named} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only;
  const choice = `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`;
  throw badRequest(
    init.length === 0 ? choice : `${choice} or one of the init containers: [${init.join(' ')}]`,
  );
}

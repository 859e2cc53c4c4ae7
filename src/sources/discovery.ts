/** What an API server serves of the groups that Padlock reads, each resource at the version the server prefers. */
import { PadlockError } from '../errors.ts';
import type { Cluster, RawResponse, ResourceType } from './cluster.ts';
import { asObjects, asText, dig } from './json-value.ts';
import { errorForStatus } from './kube/status.ts';

/** A resource type with the kind of its objects. */
export interface ServedType extends ResourceType {
  readonly kind: string;
}

/**
 * Asks which of the groups' resources are served. A group that is not installed has none.
 * @param groups API groups: `security.istio.io`
 * @throws PadlockError where the API server cannot be asked
 */
export async function discover(
  cluster: Cluster,
  groups: readonly string[],
  signal?: AbortSignal,
): Promise<readonly ServedType[]> {
  const list = await getJson(cluster, '/apis', signal);
  const wanted = asObjects(dig(list, 'groups')).filter((group) => groups.includes(asText(group.name) ?? ''));
  const perGroup = await Promise.all(
    wanted.map(async (group) => {
      const preferred = asText(dig(group.preferredVersion, 'groupVersion'));
      const served = asObjects(group.versions)
        .map((version) => asText(version.groupVersion))
        .filter((version) => version !== undefined);
      const order = [...new Set(preferred === undefined ? served : [preferred, ...served])];
      const resources = await Promise.all(order.map((version) => resourcesOf(cluster, version, signal)));
      return firstOfEach(resources.flat());
    }),
  );
  return perGroup.flat();
}

async function resourcesOf(
  cluster: Cluster,
  groupVersion: string,
  signal: AbortSignal | undefined,
): Promise<readonly ServedType[]> {
  const list = await getJson(cluster, `/apis/${groupVersion}`, signal);
  const [group = '', version = ''] = groupVersion.split('/');
  return asObjects(dig(list, 'resources')).flatMap((resource) => {
    const plural = asText(resource.name) ?? '';
    const kind = asText(resource.kind) ?? '';
    if (plural === '' || plural.includes('/')) return [];
    return [{ group, version, plural, kind, namespaced: resource.namespaced === true }];
  });
}

function firstOfEach(types: readonly ServedType[]): readonly ServedType[] {
  const byPlural = new Map<string, ServedType>();
  for (const type of types) if (!byPlural.has(type.plural)) byPlural.set(type.plural, type);
  return [...byPlural.values()];
}

async function getJson(cluster: Cluster, path: string, signal: AbortSignal | undefined): Promise<unknown> {
  const answer: RawResponse = await cluster.raw({
    method: 'GET',
    path,
    headers: { accept: 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  });
  // A version whose CRDs were added or removed a moment ago is announced but not served.
  if (answer.status === 404 && path !== '/apis') return {};
  if (answer.status >= 400) {
    const asked = { verb: 'get', group: '', resource: path };
    throw errorForStatus(answer.status, answer.body, asked, cluster.context);
  }
  try {
    return JSON.parse(answer.body);
  } catch (cause) {
    throw new PadlockError('CLUSTER_REQUEST_FAILED', `${path} of context ${cluster.context} is not JSON`, {
      cause,
    });
  }
}

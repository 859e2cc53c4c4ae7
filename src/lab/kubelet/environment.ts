/** The environment of a container: what its spec sets, service links, and what every container has. */

import { isFields } from '../../istio/fields.ts';
import type { Api } from '../api/api.ts';
import type { Container, EnvVar, KeyReference, PodObject } from '../kinds/pod.ts';
import { asService } from '../kinds/service.ts';

export type Environment = Readonly<Record<string, string>>;

/** A reference that could not be followed: the container waits with CreateContainerConfigError. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** @throws EnvironmentError where a config map, secret or key is missing and not optional. */
export function environmentOf(api: Api, pod: PodObject, container: Container, ip: string): Environment {
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    HOME: '/root',
    ...serviceLinks(api, pod),
  };
  for (const source of container.envFrom ?? []) {
    const { prefix = '', configMapRef, secretRef } = source;
    const data =
      configMapRef === undefined
        ? readData(api, 'secrets', pod, secretRef)
        : readData(api, 'configmaps', pod, configMapRef);
    for (const [key, value] of Object.entries(data)) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(api, pod, container, ip, variable);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;
}

/** `$(NAME)` becomes the variable's value, `$$` a dollar; an unknown name stays as it is. */
export function expand(text: string, env: Environment): string {
  return text.replace(/\$\$|\$\(([^)]+)\)/g, (match: string, name?: string) =>
    name === undefined ? '$' : (env[name] ?? match),
  );
}

function variableValue(
  api: Api,
  pod: PodObject,
  container: Container,
  ip: string,
  { value, valueFrom }: EnvVar,
): string | undefined {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(pod, fieldRef.fieldPath, ip);
  if (resourceFieldRef !== undefined) return resourceOf(container, resourceFieldRef.resource);
  const key = configMapKeyRef?.key ?? secretKeyRef?.key ?? '';
  const reference = configMapKeyRef ?? secretKeyRef;
  const data = readData(api, configMapKeyRef === undefined ? 'secrets' : 'configmaps', pod, reference);
  const found = data[key];
  if (found === undefined && reference?.optional !== true) {
    const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap';
    throw new EnvironmentError(
      `couldn't find key ${key} in ${kind} ${pod.metadata.namespace}/${reference?.name}`,
    );
  }
  return found;
}

/** The downward API's fields. */
export function fieldOf(pod: PodObject, path: string, ip: string): string {
  const { metadata, spec, status } = pod;
  const indexed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (indexed !== null) {
    const map = indexed[1] === 'labels' ? metadata.labels : metadata.annotations;
    return map?.[indexed[2] ?? ''] ?? '';
  }
  const lines = (map: Environment = {}): string =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n');
  const fields: Readonly<Record<string, () => string | undefined>> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace,
    'metadata.uid': () => metadata.uid,
    'metadata.labels': () => lines(metadata.labels),
    'metadata.annotations': () => lines(metadata.annotations),
    'spec.nodeName': () => spec.nodeName,
    'spec.serviceAccountName': () => spec.serviceAccountName ?? 'default',
    'status.podIP': () => ip,
    'status.podIPs': () => ip,
    'status.hostIP': () => status?.hostIP,
  };
  return fields[path]?.() ?? '';
}

function resourceOf(container: Container, resource: string): string {
  const [list, name = ''] = resource.split('.');
  const value =
    list === 'limits' ? container.resources?.limits?.[name] : container.resources?.requests?.[name];
  return value ?? '0';
}

function readData(
  api: Api,
  resource: 'configmaps' | 'secrets',
  pod: PodObject,
  reference: KeyReference | undefined,
): Environment {
  const name = reference?.name ?? '';
  const object = api.get(resource, pod.metadata.namespace, name);
  if (object === undefined) {
    if (reference?.optional === true) return {};
    throw new EnvironmentError(`${resource === 'secrets' ? 'secret' : 'configmap'} "${name}" not found`);
  }
  return dataOf(object.data, resource === 'secrets');
}

/** A config map's or secret's data as text. */
export function dataOf(data: unknown, isSecret: boolean): Environment {
  if (!isFields(data)) return {};
  const entries = Object.entries(data).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isSecret ? Buffer.from(value, 'base64').toString('utf8') : value]),
  );
}

/** `KUBERNETES_SERVICE_HOST` and the like, for the services of the pod's namespace and for the API server. */
function serviceLinks(api: Api, pod: PodObject): Environment {
  const own = api.list('services', { namespace: pod.metadata.namespace ?? '' });
  const kubernetes = api.get('services', 'default', 'kubernetes');
  const env: Record<string, string> = {};
  for (const object of kubernetes === undefined ? own : [...own, kubernetes]) {
    const { clusterIP, ports } = asService(object).spec;
    const first = ports?.[0];
    if (clusterIP === undefined || clusterIP === 'None' || first === undefined) continue;
    const prefix = object.metadata.name.toUpperCase().replaceAll('-', '_');
    env[`${prefix}_SERVICE_HOST`] = clusterIP;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
    env[`${prefix}_PORT`] = `tcp://${clusterIP}:${first.port}`;
  }
  return env;
}

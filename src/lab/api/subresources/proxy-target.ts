/** Where a proxied request goes: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, of a pod or of a service. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { PodName } from '../../kubelet/kubelet.ts';
import { objectKey } from '../engine/engine.ts';
import type { ResourceContext } from '../http/context.ts';
import { draftOf, type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringsAt } from '../json.ts';
import { ApiStatus, badRequest, notFound } from '../status.ts';

export interface ProxyTarget {
  readonly pod: PodName;
  /** A new pod of the same name is another endpoint. */
  readonly uid: string;
  readonly port: number;
  /** `IP:PORT` */
  readonly address: string;
}

interface Named {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

/** @throws ApiStatus NotFound, BadRequest for a name that cannot be read, ServiceUnavailable where no endpoint is ready. */
export function proxyTarget(context: ResourceContext): ProxyTarget {
  const named = parseName(context.info.name ?? '');
  if (named.scheme === 'https') {
    throw new ApiStatus(
      'ServiceUnavailable',
      'error trying to reach service: the lab proxies plain HTTP only',
    );
  }
  return context.served.resource === 'pods' ? podTarget(context, named) : serviceTarget(context, named);
}

function parseName(text: string): Named {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: '', name: text, port: '' };
  if (parts.length === 2) return { scheme: '', name: parts[0] ?? '', port: parts[1] ?? '' };
  const [scheme = '', name = '', port = '', ...rest] = parts;
  if (rest.length > 0 || (scheme !== 'http' && scheme !== 'https' && scheme !== '')) {
    throw badRequest(`invalid pod request ${JSON.stringify(text)}`);
  }
  return { scheme, name, port };
}

function podTarget(context: ResourceContext, named: Named): ProxyTarget {
  const pod = context.engine.store.get('pods', objectKey(context.info.namespace, named.name));
  if (pod === undefined) throw notFound(context.stored, named.name);
  const port = named.port === '' ? firstPort(pod) : Number(named.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw badRequest(`invalid port ${JSON.stringify(named.port)}`);
  }
  return targetOf(pod, port);
}

function firstPort(pod: KubeObject): number {
  const containers = objectsAt(objectAt(draftOf(pod), 'spec'), 'containers');
  const ports = containers.flatMap((container) => objectsAt(container, 'ports'));
  return numberAt(ports[0], 'containerPort') ?? 80;
}

function targetOf(pod: KubeObject, port: number): ProxyTarget {
  const ip = stringAt(objectAt(draftOf(pod), 'status'), 'podIP') ?? '';
  if (ip === '') throw badRequest(`address not allowed`);
  const { namespace = '', name, uid = '' } = pod.metadata;
  return { pod: { namespace, name }, uid, port, address: `${ip}:${port}` };
}

function serviceTarget(context: ResourceContext, named: Named): ProxyTarget {
  const { store } = context.engine;
  const namespace = context.info.namespace ?? '';
  const service = store.get('services', objectKey(namespace, named.name));
  if (service === undefined) throw notFound(context.stored, named.name);
  const ports = objectsAt(objectAt(draftOf(service), 'spec'), 'ports');
  const port = chosenPort(ports, named);
  const endpoints = store
    .list('endpointslices.discovery.k8s.io', `${namespace}/`)
    .filter(({ object }) => object.metadata.labels?.['kubernetes.io/service-name'] === named.name)
    .flatMap(({ object }) => readyEndpoints(draftOf(object), stringAt(port, 'name') ?? ''));
  const chosen = endpoints[context.engine.effects.random(Math.max(endpoints.length, 1))];
  const pod = chosen === undefined ? undefined : store.get('pods', objectKey(namespace, chosen.pod));
  if (chosen === undefined || pod === undefined) {
    throw new ApiStatus(
      'ServiceUnavailable',
      `no endpoints available for service ${JSON.stringify(named.name)}`,
    );
  }
  return targetOf(pod, chosen.port);
}

function chosenPort(ports: readonly JsonObject[], named: Named): JsonObject | undefined {
  const found =
    named.port === ''
      ? ports.length === 1
        ? ports[0]
        : ports.find((port) => (stringAt(port, 'name') ?? '') === '')
      : ports.find((port) => port.name === named.port || String(port.port) === named.port);
  if (found !== undefined) return found;
  throw new ApiStatus(
    'ServiceUnavailable',
    `no service port ${JSON.stringify(named.port)} found for service ${JSON.stringify(named.name)}`,
  );
}

function readyEndpoints(
  slice: JsonObject,
  portName: string,
): readonly { readonly pod: string; readonly port: number }[] {
  const port = objectsAt(slice, 'ports').find((one) => (stringAt(one, 'name') ?? '') === portName);
  const number = numberAt(port, 'port');
  if (number === undefined) return [];
  return objectsAt(slice, 'endpoints')
    .filter(
      (endpoint) =>
        objectAt(endpoint, 'conditions')?.ready !== false && stringsAt(endpoint, 'addresses').length > 0,
    )
    .map((endpoint) => ({ pod: stringAt(objectAt(endpoint, 'targetRef'), 'name') ?? '', port: number }))
    .filter((endpoint) => endpoint.pod !== '');
}

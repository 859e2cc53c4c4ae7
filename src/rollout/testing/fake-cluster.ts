/**
 * A cluster for the rollout's tests: server-side apply, versions, a Deployment controller that replaces
 * pods when a template changes, and faults on demand. It is no lab: nothing here sends a byte.
 */
import type { Duplex } from 'node:stream';
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type {
  Cluster,
  ExecResult,
  RawRequest,
  RawResponse,
  ResourceType,
  WatchEvent,
} from '../../sources/cluster.ts';
import { asObject, asTextMap, dig, isObject, type JsonObject } from '../../sources/json-value.ts';

export type Fault = (request: RawRequest, count: number) => RawResponse | 'drop' | 'lose-answer' | undefined;

const kinds: Readonly<Record<string, string>> = {
  namespaces: 'Namespace',
  configmaps: 'ConfigMap',
  leases: 'Lease',
  pods: 'Pod',
  deployments: 'Deployment',
  peerauthentications: 'PeerAuthentication',
  destinationrules: 'DestinationRule',
};

export class FakeCluster implements Cluster {
  readonly context = 'fake';
  /** `METHOD /path` of every write that reached the store. */
  readonly writes: string[] = [];
  fault: Fault = () => undefined;
  /** Called after each write that was kept. */
  afterWrite: () => void = () => undefined;
  /** Whether new pods of a labelled namespace get a sidecar, and become ready. */
  injects = true;
  podsBecomeReady = true;
  readonly #objects = new Map<string, KubeObject>();
  /** What each manager's last apply to each object held: fields that a new one leaves out are taken back. */
  readonly #applied = new Map<string, JsonObject>();
  #version = 1;
  #requests = 0;

  constructor(objects: readonly KubeObject[]) {
    for (const object of objects) this.put(object);
  }

  put(object: KubeObject): void {
    const version = String(this.#version++);
    this.#objects.set(keyOf(object.kind, object.metadata.namespace, object.metadata.name), {
      ...object,
      metadata: { ...object.metadata, resourceVersion: version },
    });
  }

  /** Everything but the rollout's own bookkeeping, without versions: what must come back after a rollback. */
  state(): ReadonlyMap<string, unknown> {
    return new Map(
      [...this.#objects]
        .filter(([, { kind }]) => kind !== 'ConfigMap' && kind !== 'Lease' && kind !== 'Pod')
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, object]) => [key, withoutEmpty(desired(object))]),
    );
  }

  find(kind: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(kind, namespace, name));
  }

  pods(): readonly KubeObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === 'Pod');
  }

  async list(type: ResourceType): Promise<{ items: readonly KubeObject[]; resourceVersion: string }> {
    const items = [...this.#objects.values()].filter((object) => object.kind === kinds[type.plural]);
    return { items, resourceVersion: String(this.#version) };
  }

  async get(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
  ): Promise<KubeObject | undefined> {
    return this.find(kinds[type.plural] ?? type.plural, namespace, name);
  }

  watch(): AsyncIterable<WatchEvent> {
    throw new Error('the fake is not watched');
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    request.signal?.throwIfAborted();
    const fault = this.fault(request, this.#requests++);
    if (fault === 'drop') throw new PadlockError('CLUSTER_UNREACHABLE', 'connection refused');
    if (typeof fault === 'object') return fault;
    const answer = this.#write(request);
    if (answer.status < 300) {
      this.writes.push(`${request.method} ${request.path.split('?')[0]}`);
      this.afterWrite();
    }
    if (fault === 'lose-answer') throw new PadlockError('CLUSTER_UNREACHABLE', 'connection reset');
    return answer;
  }

  async exec(): Promise<ExecResult> {
    throw new Error('the fake runs no commands');
  }

  async portForward(): Promise<Duplex> {
    throw new Error('the fake forwards no ports');
  }

  #write(request: RawRequest): RawResponse {
    const { kind, namespace, name } = parsePath(request.path);
    const body = asObject(request.body === undefined ? undefined : JSON.parse(request.body));
    const target = name ?? String(dig(body, 'metadata', 'name'));
    const key = keyOf(kind, namespace, target);
    const existing = this.#objects.get(key);
    switch (request.method) {
      case 'DELETE':
        if (existing === undefined) return answer(404, { message: 'not found' });
        this.#objects.delete(key);
        for (const owner of this.#applied.keys())
          if (owner.startsWith(`${key} `)) this.#applied.delete(owner);
        return answer(200, {});
      case 'POST':
        if (existing !== undefined) return answer(409, { message: 'already exists' });
        this.put(objectOf(kind, namespace, target, body));
        return answer(201, {});
      case 'PUT':
        if (dig(body, 'metadata', 'resourceVersion') !== existing?.metadata.resourceVersion) {
          return answer(409, { message: 'the object has been modified' });
        }
        this.put(objectOf(kind, namespace, target, body));
        return answer(200, {});
      case 'PATCH': {
        if (request.headers?.['content-type'] === 'application/merge-patch+json') {
          if (existing === undefined) return answer(404, { message: 'not found' });
          this.put(objectOf(kind, namespace, target, mergePatch(existing, body)));
          return answer(200, {});
        }
        const owner = `${key} ${managerOf(request.path)}`;
        const before = this.#applied.get(owner) ?? {};
        const cleared = existing === undefined ? {} : subtract(existing, before, body);
        this.#applied.set(owner, body);
        this.put(objectOf(kind, namespace, target, merge(cleared, body)));
        if (kind === 'Deployment') this.#reconcile(key);
        return answer(200, {});
      }
      default:
        return answer(405, { message: 'not supported' });
    }
  }

  /** One pod a Deployment; a changed template makes a new one, with a sidecar where the namespace asks for it. */
  #reconcile(key: string): void {
    const deployment = this.#objects.get(key);
    if (deployment === undefined) return;
    const { namespace, name } = deployment.metadata;
    const template = JSON.stringify(withoutEmpty(dig(deployment, 'spec', 'template')));
    const podKey = keyOf('Pod', namespace, `${name}-0`);
    const current = this.#objects.get(podKey);
    if (current?.metadata.annotations?.template !== template) {
      const labels = this.find('Namespace', undefined, namespace ?? '')?.metadata.labels ?? {};
      const sidecar = this.injects && labels['istio-injection'] === 'enabled';
      this.put(podOf(namespace ?? '', name, template, sidecar));
    }
    const ready = this.podsBecomeReady ? 1 : 0;
    this.put({
      ...deployment,
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: ready },
    });
  }
}

/** A pod of a Deployment `name`, with or without a sidecar. */
export function podOf(namespace: string, name: string, template: string, sidecar: boolean): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: `${name}-0`, annotations: { template } },
    spec: { containers: [{ name: 'app' }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running' },
  };
}

function answer(status: number, body: unknown): RawResponse {
  return { status, headers: {}, body: JSON.stringify(body) };
}

function managerOf(path: string): string {
  return new URL(path, 'http://fake').searchParams.get('fieldManager') ?? '';
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

function parsePath(path: string): { kind: string; namespace: string | undefined; name: string | undefined } {
  const parts = (path.split('?')[0] ?? '').split('/').filter((part) => part !== '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const [first, namespace, plural, name] = rest;
  if (first === 'namespaces' && plural !== undefined) {
    return { kind: kinds[plural] ?? plural, namespace, name };
  }
  return { kind: kinds[first ?? ''] ?? '', namespace: undefined, name: namespace };
}

function objectOf(kind: string, namespace: string | undefined, name: string, body: JsonObject): KubeObject {
  const { resourceVersion: _old, ...metadata } = asObject(body.metadata);
  return {
    ...body,
    apiVersion: String(body.apiVersion ?? 'v1'),
    kind,
    metadata: {
      ...metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(isObject(metadata.labels) ? { labels: asTextMap(metadata.labels) } : {}),
    },
  };
}

function merge(into: JsonObject, from: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    merged[key] = isObject(value) ? merge(asObject(merged[key]), value) : value;
  }
  return merged;
}

/** RFC 7396. */
function mergePatch(into: JsonObject, patch: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(asObject(merged[key]), value) : value;
  }
  return merged;
}

/** Takes out of `object` the leaves that `before` had and `next` has no more. */
function subtract(object: JsonObject, before: JsonObject, next: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...object };
  for (const [key, value] of Object.entries(before)) {
    if (isObject(value)) result[key] = subtract(asObject(result[key]), value, asObject(next[key]));
    else if (!(key in next)) delete result[key];
  }
  return result;
}

function desired(object: KubeObject): JsonObject {
  const { status: _status, metadata, ...rest } = object;
  const { resourceVersion: _version, ...meta } = metadata;
  return { ...rest, metadata: meta };
}

/** Empty maps are what server-side apply may leave behind where a field was; they mean nothing. */
function withoutEmpty(value: unknown): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .map(([key, member]) => [key, withoutEmpty(member)] as const)
    .filter(([, member]) => !(isObject(member) && Object.keys(member).length === 0));
  return Object.fromEntries(entries);
}

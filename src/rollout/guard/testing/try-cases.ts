/** Tries the guard's table on an API server: sets up the namespaces, installs the guards, then sends every act as a dry run. */
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Cluster, RawRequest, RawResponse, ResourceType } from '../../../sources/cluster.ts';
import { asText, dig } from '../../../sources/json-value.ts';
import { resourcePath } from '../../../sources/kube/resource-path.ts';
import { installGuard } from '../install.ts';
import { type GuardCase, namespace, strict } from './guard-cases.ts';

const types: Readonly<Record<string, ResourceType>> = {
  PeerAuthentication: {
    group: 'security.istio.io',
    version: 'v1',
    plural: 'peerauthentications',
    namespaced: true,
  },
  DestinationRule: {
    group: 'networking.istio.io',
    version: 'v1',
    plural: 'destinationrules',
    namespaced: true,
  },
  Pod: { group: '', version: 'v1', plural: 'pods', namespaced: true },
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true },
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
};

export interface Tried {
  readonly name: string;
  readonly status: number;
  readonly message: string;
}

/** Cases with a `before` get a namespace of their own, `shop-N`; all others share `shop`. */
export async function tryCases(cluster: Cluster, cases: readonly GuardCase[]): Promise<readonly Tried[]> {
  const names = cases.map(({ before }, index) => (before === undefined ? 'shop' : `shop-${index}`));
  const effects = { cluster, now: () => Date.now(), signal: AbortSignal.timeout(120_000), sleep };
  await send(cluster, 'create', namespace('other', { 'istio-injection': 'enabled' }));
  const distinct = [...new Set(names)];
  for (const name of distinct) {
    await made(cluster, placed(namespace('shop', { 'istio-injection': 'enabled' }), name));
    await made(cluster, placed(strict, name));
  }
  for (const [index, { before = [] }] of cases.entries()) {
    for (const object of before) await made(cluster, placed(object, names[index] ?? 'shop'));
  }
  for (const name of distinct) {
    const options = {
      namespace: name,
      action: 'deny',
      clusterDomain: 'cluster.local',
      maxExceptionDays: 90,
    } as const;
    await installGuard(options, effects);
  }
  const tried: Tried[] = [];
  for (const [index, { name, act }] of cases.entries()) {
    const where = names[index] ?? 'shop';
    const object = placed(act.object, where);
    if (act.afterNamespace) await send(cluster, 'delete', namespace(where, {}), false);
    const body = act.verb === 'update' ? await merged(cluster, object) : object;
    const answer = await send(cluster, act.verb, body, true);
    tried.push({ name, status: answer.status, message: messageOf(answer) });
  }
  return tried;
}

async function made(cluster: Cluster, object: KubeObject): Promise<void> {
  // A new namespace's service account comes a moment later; a pod before it is refused.
  for (let attempt = 0; ; attempt += 1) {
    const answer = await send(cluster, 'create', object);
    if (answer.status < 300) return;
    if (attempt === 100) throw new Error(`${object.kind} ${object.metadata.name}: ${messageOf(answer)}`);
    await sleep(50);
  }
}

function placed(object: KubeObject, name: string): KubeObject {
  const moved: KubeObject = JSON.parse(JSON.stringify(object).replaceAll(/\bshop\b/g, name));
  return moved;
}

async function merged(cluster: Cluster, object: KubeObject): Promise<KubeObject> {
  const { namespace: where, name, labels = {}, annotations = {} } = object.metadata;
  const old = await cluster.get(typeOf(object), where, name);
  if (old === undefined) throw new Error(`nothing to update: ${object.kind} ${name}`);
  const spec = object.kind === 'Pod' || object.kind === 'Namespace' ? old.spec : object.spec;
  const { spec: _gone, ...rest } = old;
  return {
    ...rest,
    ...(spec === undefined ? {} : { spec }),
    metadata: { ...old.metadata, labels, annotations },
  };
}

function send(
  cluster: Cluster,
  verb: 'create' | 'update' | 'delete',
  object: KubeObject,
  dryRun = false,
): Promise<RawResponse> {
  const { namespace: where, name } = object.metadata;
  const query = dryRun ? '?dryRun=All' : '';
  const methods = { create: 'POST', update: 'PUT', delete: 'DELETE' } as const;
  const request: RawRequest = {
    method: methods[verb],
    path: `${resourcePath(typeOf(object), where, verb === 'create' ? undefined : name)}${query}`,
    headers: { 'content-type': 'application/json' },
    ...(verb === 'delete' ? {} : { body: JSON.stringify(object) }),
  };
  return cluster.raw(request);
}

function typeOf({ kind }: KubeObject): ResourceType {
  const type = types[kind];
  if (type === undefined) throw new Error(`no such kind in the table: ${kind}`);
  return type;
}

function messageOf({ body }: RawResponse): string {
  const parsed: unknown = JSON.parse(body);
  return asText(dig(parsed, 'message')) ?? '';
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * The snapshot as the page gets it: rebuilt from the few fields that the mesh model reads, because manifests given with -f may
 * hold anything, Secrets and passwords in the environment included. What is not named here does not leave the process.
 */
import type { KubeObject } from '../istio/kubernetes.ts';
import { templateKinds } from '../mesh/read-objects.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import { asObject, asText, isObject, type JsonObject } from '../sources/json-value.ts';

/** Kinds whose `spec` is wiring and holds no credentials, `GROUP/KIND`. */
const plainKinds: ReadonlySet<string> = new Set([
  '/Service',
  'discovery.k8s.io/EndpointSlice',
  'networking.istio.io/DestinationRule',
  'networking.istio.io/ServiceEntry',
  'networking.istio.io/WorkloadEntry',
  'networking.istio.io/Sidecar',
  'networking.istio.io/Gateway',
  'security.istio.io/PeerAuthentication',
  'security.istio.io/AuthorizationPolicy',
  'networking.istio.io/VirtualService',
]);
export function pageSnapshot(snapshot: Snapshot): Snapshot {
  return {
    source: snapshot.source,
    ...(snapshot.takenAt === undefined ? {} : { takenAt: snapshot.takenAt }),
    unseen: snapshot.unseen,
    objects: snapshot.objects.flatMap(({ object, origin }) => {
      const page = pageObject(object);
      return page === undefined ? [] : [{ object: page, origin }];
    }),
  };
}

function pageObject(object: KubeObject): KubeObject | undefined {
  const kind = groupKind(object);
  const { apiVersion, kind: name } = object;
  const head = { apiVersion, kind: name, metadata: metadata(asObject(object.metadata)) };
  if (kind === '/Namespace') return whole(head);
  if (kind === '/ConfigMap') return meshConfig(object, head);
  // AuthorizationPolicies may compare header values, VirtualServices may set them: a bearer token is such a value.
  if (plainKinds.has(kind)) return whole({ ...head, ...parts(object, withoutHeaderValues) });
  if (kind === '/Pod' || templateKinds.has(name))
    return whole({ ...head, ...parts(object, podSpec), ...podStatus(object) });
  return undefined;
}

/** The fields that KubeObject states are copied from one. */
function whole(object: JsonObject): KubeObject {
  return object as unknown as KubeObject;
}

function groupKind({ apiVersion, kind }: KubeObject): string {
  const slash = String(apiVersion).lastIndexOf('/');
  return `${slash > 0 ? apiVersion.slice(0, slash) : ''}/${kind}`;
}

function metadata(meta: JsonObject): JsonObject {
  const kept = pick(meta, [
    'name',
    'namespace',
    'labels',
    'creationTimestamp',
    'deletionTimestamp',
    'ownerReferences',
    'generateName',
  ]);
  return meta.annotations === undefined ? kept : { ...kept, annotations: annotations(meta.annotations) };
}

/** Istio's own annotations steer the mesh; others may say anything. `proxy.istio.io/config` may name tracing tokens. */
function annotations(value: unknown): JsonObject {
  return Object.fromEntries(
    Object.entries(asObject(value)).filter(
      ([key]) => key.includes('istio.io/') && key !== 'proxy.istio.io/config',
    ),
  );
}

/** EndpointSlices and ServiceEntries have their fields at different places: every object field but metadata and status. */
function parts(object: KubeObject, convert: (value: unknown) => unknown): JsonObject {
  return Object.fromEntries(
    ['spec', 'endpoints', 'ports', 'addressType']
      .filter((field) => object[field] !== undefined)
      .map((field) => [field, convert(object[field])]),
  );
}

function podSpec(value: unknown): unknown {
  const spec = asObject(value);
  return {
    ...pick(spec, [
      'serviceAccountName',
      'serviceAccount',
      'hostNetwork',
      'replicas',
      'selector',
      'serviceName',
      'restartPolicy',
    ]),
    ...containers(spec, 'containers'),
    ...containers(spec, 'initContainers'),
    ...(isObject(spec.template) ? { template: template(spec.template) } : {}),
    ...(isObject(spec.jobTemplate)
      ? {
          jobTemplate: {
            metadata: metadata(asObject(spec.jobTemplate.metadata)),
            spec: podSpec(spec.jobTemplate.spec),
          },
        }
      : {}),
  };
}

function template(value: JsonObject): JsonObject {
  return { metadata: metadata(asObject(value.metadata)), spec: podSpec(value.spec) };
}

function containers(spec: JsonObject, field: string): JsonObject {
  const list = spec[field];
  return Array.isArray(list) ? { [field]: list.map(container) } : {};
}

function container(value: unknown): JsonObject {
  const source = asObject(value);
  const kept = pick(source, ['name', 'ports', 'restartPolicy']);
  // The proxy's role and cluster domain; an application's arguments may hold passwords.
  return source.name === 'istio-proxy' && Array.isArray(source.args) ? { ...kept, args: source.args } : kept;
}

function podStatus(object: KubeObject): JsonObject {
  if (!isObject(object.status)) return {};
  return {
    status: pick(object.status, ['phase', 'podIP', 'podIPs', 'conditions', 'replicas', 'readyReplicas']),
  };
}

function meshConfig(object: KubeObject, head: JsonObject): KubeObject | undefined {
  const mesh = asText(asObject(object.data).mesh);
  if (!object.metadata.name.startsWith('istio') || mesh === undefined) return undefined;
  return whole({ ...head, data: { mesh: withoutTokens(mesh) } });
}

/** Tracing providers' access tokens stand in the mesh config (`lightstep.accessToken`). */
function withoutTokens(text: string): string {
  return text.replace(
    /^(\s*(?:- )?["']?[\w.-]*(?:token|password|secret|apikey|api_key|credential)[\w.-]*["']?\s*:\s*)\S.*$/gim,
    '$1left-out',
  );
}

function withoutHeaderValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHeaderValues);
  if (!isObject(value)) return value;
  const aboutHeader = /^request\.(headers|auth)/.test(asText(value.key) ?? '');
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const hides =
        key === 'headers' ||
        key === 'withoutHeaders' ||
        (aboutHeader && (key === 'values' || key === 'notValues'));
      return [key, hides ? leavesHidden(member) : withoutHeaderValues(member)];
    }),
  );
}

function leavesHidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(leavesHidden);
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, leavesHidden(member)]));
  }
  return typeof value === 'string' ? 'left-out' : value;
}

function pick(source: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(
    fields.filter((field) => source[field] !== undefined).map((field) => [field, source[field]]),
  );
}

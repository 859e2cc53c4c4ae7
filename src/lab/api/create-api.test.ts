import { expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Change } from './api.ts';
import { createApi } from './create-api.ts';
import { ApiStatus } from './status.ts';

function refusal(act: () => unknown): ApiStatus {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiStatus) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

function object(
  apiVersion: string,
  kind: string,
  name: string,
  fields: Record<string, unknown> = {},
  namespace = 'default',
): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace }, ...fields };
}

const pod = (name: string, spec: Record<string, unknown> = {}): KubeObject =>
  object('v1', 'Pod', name, { spec: { containers: [{ name: 'c', image: 'curl' }], ...spec } });

const policy = (mode: string): KubeObject =>
  object('security.istio.io/v1beta1', 'PeerAuthentication', 'default', { spec: { mtls: { mode } } });

test('a new cluster has its namespaces, the kubernetes service and the CRDs of Istio', () => {
  const api = createApi();
  expect(api.list('namespaces').map((one) => one.metadata.name)).toEqual([
    'default',
    'kube-node-lease',
    'kube-public',
    'kube-system',
  ]);
  expect(api.get('services', 'default', 'kubernetes')).toMatchObject({ spec: { clusterIP: '10.96.0.1' } });
  expect(
    api.get(
      'customresourcedefinitions.apiextensions.k8s.io',
      undefined,
      'peerauthentications.security.istio.io',
    ),
  ).toBeDefined();
});

test('a pod gets what the real server gives it', () => {
  const created = createApi().create('pods', pod('a'), 'test');
  expect(created).toMatchObject({
    metadata: { generation: 1, uid: expect.any(String), resourceVersion: expect.stringMatching(/^\d+$/) },
    spec: {
      serviceAccountName: 'default',
      dnsPolicy: 'ClusterFirst',
      containers: [{ imagePullPolicy: 'Always', resources: {} }],
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  });
});

test('a policy is stored in the storage version, whatever version it came in', () => {
  expect(createApi().create('peerauthentications.security.istio.io', policy('STRICT'), 'test')).toMatchObject(
    {
      apiVersion: 'security.istio.io/v1',
      spec: { mtls: { mode: 'STRICT' } },
    },
  );
});

test('a bad mode is refused in the words of the real CRD', () => {
  const api = createApi();
  const status = refusal(() => api.create('peerauthentications.security.istio.io', policy('FOO'), 'test'));
  expect(status.toJSON()).toMatchObject({
    code: 422,
    reason: 'Invalid',
    message: expect.stringContaining(
      'spec.mtls.mode: Unsupported value: "FOO": supported values: "UNSET", "DISABLE", "PERMISSIVE", "STRICT"',
    ),
    details: { causes: [{ reason: 'FieldValueNotSupported', field: 'spec.mtls.mode' }, { field: '<nil>' }] },
  });
});

test('the CEL rules of the CRD hold: port-level settings need a selector, ports are ports', () => {
  const api = createApi();
  const create = (spec: Record<string, unknown>): KubeObject =>
    api.create(
      'peerauthentications.security.istio.io',
      object('security.istio.io/v1', 'PeerAuthentication', 'p', { spec }),
      'test',
    );
  const ports = { '8080': { mode: 'DISABLE' } };
  expect(refusal(() => create({ portLevelMtls: ports })).message).toContain(
    'spec: Invalid value: portLevelMtls requires selector',
  );
  const selector = { matchLabels: { app: 'a' } };
  expect(refusal(() => create({ selector, portLevelMtls: { '70000': {} } })).message).toContain(
    'port must be between 1-65535',
  );
  expect(create({ selector, portLevelMtls: ports })).toMatchObject({ spec: { portLevelMtls: ports } });
});

test('writes are refused for the reasons the real server has', () => {
  const api = createApi();
  const created = api.create('pods', pod('a'), 'test');
  expect(refusal(() => api.create('pods', pod('a'), 'test')).message).toBe('pods "a" already exists');
  expect(
    refusal(() => api.create('pods', { ...pod('b'), metadata: { name: 'b', namespace: 'no' } }, 'test'))
      .message,
  ).toBe('namespaces "no" not found');
  expect(refusal(() => api.delete('pods', 'default', 'nobody')).reason).toBe('NotFound');
  api.update('pods', { ...created, metadata: { ...created.metadata, labels: { a: 'b' } } }, 'test');
  expect(refusal(() => api.update('pods', created, 'test')).message).toBe(
    'Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again',
  );
});

test('an update that changes nothing writes nothing', () => {
  const api = createApi();
  const created = api.create('pods', pod('a'), 'test');
  expect(api.update('pods', created, 'test').metadata.resourceVersion).toBe(created.metadata.resourceVersion);
});

test('updateStatus writes the status alone, update everything but', () => {
  const api = createApi();
  const created = api.create('pods', pod('a'), 'test');
  const after = api.updateStatus(
    'pods',
    { ...created, spec: { containers: [] }, status: { phase: 'Running' } },
    'kubelet',
  );
  expect(after).toMatchObject({ spec: created.spec, status: { phase: 'Running' } });
  const updated = api.update('pods', { ...after, status: { phase: 'Failed' } }, 'test');
  expect(updated).toMatchObject({ status: { phase: 'Running' } });
});

test('a running pod is deleted gracefully: marked first, gone when the kubelet says so', () => {
  const api = createApi();
  api.create('pods', pod('a'), 'test');
  const binding = object('v1', 'Binding', 'a', { target: { kind: 'Node', name: 'node-1' } });
  expect(api.updateSubresource('pods', 'binding', binding, 'scheduler')).toMatchObject({
    spec: { nodeName: 'node-1' },
  });
  api.delete('pods', 'default', 'a');
  expect(api.get('pods', 'default', 'a')?.metadata).toMatchObject({
    deletionTimestamp: expect.any(String),
    deletionGracePeriodSeconds: 30,
    generation: 2,
  });
  api.delete('pods', 'default', 'a', { force: true });
  expect(api.get('pods', 'default', 'a')).toBeUndefined();
});

test('finalizers hold a deletion until the last is removed', () => {
  const api = createApi();
  const made = object('v1', 'ConfigMap', 'c');
  api.create(
    'configmaps',
    { ...made, metadata: { ...made.metadata, finalizers: ['example.com/wait'] } },
    'test',
  );
  api.delete('configmaps', 'default', 'c');
  const held = api.get('configmaps', 'default', 'c');
  expect(held?.metadata.deletionTimestamp).toBeDefined();
  if (held === undefined) return;
  const { finalizers: _gone, ...metadata } = held.metadata;
  api.update('configmaps', { ...held, metadata }, 'test');
  expect(api.get('configmaps', 'default', 'c')).toBeUndefined();
});

test('a namespace goes through Terminating, takes nothing new, and ends with its finalizer', () => {
  const api = createApi();
  const created = api.create(
    'namespaces',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    'test',
  );
  expect(created).toMatchObject({
    metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  api.delete('namespaces', undefined, 'a');
  const going = api.get('namespaces', undefined, 'a');
  expect(going).toMatchObject({ status: { phase: 'Terminating' } });
  expect(
    refusal(() => api.create('configmaps', object('v1', 'ConfigMap', 'c', {}, 'a'), 'test')).message,
  ).toBe(
    'configmaps "c" is forbidden: unable to create new content in namespace a because it is being terminated',
  );
  if (going === undefined) return;
  api.updateSubresource('namespaces', 'finalize', { ...going, spec: {} }, 'namespace-controller');
  expect(api.get('namespaces', undefined, 'a')).toBeUndefined();
});

test('watchers hear of every change once, in order, never nested', async () => {
  const api = createApi();
  const seen: string[] = [];
  let depth = 0;
  const done = new Promise<void>((resolve) => {
    api.watch(['configmaps'], (change: Change) => {
      depth += 1;
      expect(depth).toBe(1);
      seen.push(`${change.type} ${change.object.metadata.name}`);
      if (change.type === 'ADDED' && change.object.metadata.name === 'a') {
        api.create('configmaps', object('v1', 'ConfigMap', 'b'), 'test');
      }
      if (seen.length === 3) resolve();
      depth -= 1;
    });
  });
  api.create('configmaps', object('v1', 'ConfigMap', 'a'), 'test');
  api.delete('configmaps', 'default', 'a');
  await done;
  expect(seen).toEqual(['ADDED a', 'DELETED a', 'ADDED b']);
});

test('admission plug-ins change what is created, and containers that they add get their token mount', () => {
  const api = createApi();
  api.addAdmission(({ resource, operation, object: one }) => {
    if (resource !== 'pods' || operation !== 'CREATE') return one;
    const spec = one.spec;
    if (
      typeof spec !== 'object' ||
      spec === null ||
      !('containers' in spec) ||
      !Array.isArray(spec.containers)
    )
      return one;
    return {
      ...one,
      spec: { ...spec, containers: [...spec.containers, { name: 'istio-proxy', image: 'proxy:1' }] },
    };
  });
  const created = api.create('pods', pod('a'), 'test');
  const mount = expect.objectContaining({ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' });
  expect(created).toMatchObject({
    spec: {
      containers: [
        { name: 'c', volumeMounts: [mount] },
        { name: 'istio-proxy', volumeMounts: [mount], imagePullPolicy: 'IfNotPresent' },
      ],
    },
  });
});

test('a new CRD is served at once, and its objects are checked by its schema', () => {
  const api = createApi();
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { size: { type: 'integer', maximum: 3 }, colour: { type: 'string', default: 'red' } },
      },
    },
  };
  api.create(
    'customresourcedefinitions.apiextensions.k8s.io',
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'hats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { kind: 'Hat', plural: 'hats' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    },
    'test',
  );
  expect(
    api.create(
      'hats.example.com',
      object('example.com/v1', 'Hat', 'a', { spec: { size: 2, brim: true } }),
      'test',
    ).spec,
  ).toEqual({ size: 2, colour: 'red' });
  expect(
    refusal(() =>
      api.create('hats.example.com', object('example.com/v1', 'Hat', 'b', { spec: { size: 9 } }), 'test'),
    ).message,
  ).toBe(
    'Hat.example.com "b" is invalid: spec.size: Invalid value: 9: spec.size in body should be less than or equal to 3',
  );
});

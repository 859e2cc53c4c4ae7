/** A small cluster as a snapshot: a control plane with its webhook, a namespace, and workloads with one pod each. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { MtlsMode } from '../../istio/peer-authentication.ts';
import type { Snapshot } from '../../mesh/snapshot.ts';

export const shop = 'shop';
const created = '2026-01-01T00:00:00Z';

export function namespaceOf(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, creationTimestamp: created } };
}

/** istiod's pod and the webhook of a default installation, reduced to what selects. */
export function controlPlane(): readonly KubeObject[] {
  const rules = (key: string, values: readonly string[]): unknown => ({
    matchExpressions: [{ key, operator: 'In', values }],
  });
  return [
    namespaceOf('istio-system'),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'istiod-1',
        namespace: 'istio-system',
        labels: { app: 'istiod', 'istio.io/rev': 'default' },
      },
      spec: { containers: [{ name: 'discovery', image: 'docker.io/istio/pilot:1.29.1' }] },
      status: { phase: 'Running' },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: {
        name: 'istio-sidecar-injector',
        labels: { app: 'sidecar-injector', 'istio.io/rev': 'default' },
      },
      webhooks: [
        {
          name: 'namespace.sidecar-injector.istio.io',
          namespaceSelector: rules('istio-injection', ['enabled']),
          objectSelector: {
            matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }],
          },
        },
        {
          name: 'object.sidecar-injector.istio.io',
          namespaceSelector: {
            matchExpressions: [{ key: 'istio-injection', operator: 'DoesNotExist' }],
          },
          objectSelector: rules('sidecar.istio.io/inject', ['true']),
        },
      ],
    },
  ];
}

/** A Deployment with its ReplicaSet, one pod on 10.0.0.x, and a Service on port 80. */
export function workload(
  name: string,
  options: { sidecar?: boolean; index?: number } = {},
): readonly KubeObject[] {
  const labels = { app: name };
  const ip = `10.0.0.${options.index ?? name.length}`;
  const containers = [
    { name: 'app', ports: [{ containerPort: 8080 }] },
    ...(options.sidecar === true ? [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }] : []),
  ];
  const owner = (kind: string, of: string): KubeObject['metadata']['ownerReferences'] => [
    { apiVersion: 'apps/v1', kind, name: of, uid: `${kind}-${of}`, controller: true },
  ];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: shop, uid: `Deployment-${name}` },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [containers[0]] } },
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-5d4c7b9f8d`,
        namespace: shop,
        uid: `ReplicaSet-${name}-5d4c7b9f8d`,
        ownerReferences: owner('Deployment', name) ?? [],
      },
      spec: { replicas: 1 },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-5d4c7b9f8d-abcde`,
        namespace: shop,
        labels: {
          ...labels,
          'pod-template-hash': '5d4c7b9f8d',
          ...(options.sidecar === true ? { 'security.istio.io/tlsMode': 'istio' } : {}),
        },
        annotations: options.sidecar === true ? { 'sidecar.istio.io/status': '{"revision":"default"}' } : {},
        ownerReferences: owner('ReplicaSet', `${name}-5d4c7b9f8d`) ?? [],
      },
      spec: { containers },
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: shop, creationTimestamp: created },
      spec: {
        clusterIP: `10.96.0.${options.index ?? name.length}`,
        selector: labels,
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-x`, namespace: shop, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: [ip],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', namespace: shop, name: `${name}-5d4c7b9f8d-abcde` },
        },
      ],
    },
  ];
}

export function peerAuthentication(
  namespace: string,
  name: string,
  mode: MtlsMode,
  options: {
    createdAt?: string;
    selector?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  } = {},
): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: {
      name,
      namespace,
      creationTimestamp: options.createdAt ?? created,
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    spec: {
      ...(options.selector === undefined ? {} : { selector: { matchLabels: options.selector } }),
      mtls: { mode },
    },
  };
}

export function destinationRule(name: string, host: string, mode: string | undefined): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name, namespace: shop, creationTimestamp: created },
    spec: { host, trafficPolicy: mode === undefined ? { connectionPool: {} } : { tls: { mode } } },
  };
}

export function snapshotOf(objects: readonly KubeObject[]): Snapshot {
  const source = 'context test';
  return { source, objects: objects.map((object) => ({ object, origin: { source } })), unseen: [] };
}

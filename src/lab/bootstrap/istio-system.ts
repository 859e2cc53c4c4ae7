/** What an installation of Istio leaves in a cluster, as far as tools look at it: the control plane's namespace. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import { istioHub, istioVersion } from '../istio-version.ts';

const namespace = 'istio-system';

export interface IstioSystemOptions {
  /** The mesh config as YAML text, as the `istio` config map holds it under `mesh`. */
  readonly meshConfig?: string;
}

/** The default profile's mesh config with access logs on, as the demo profile has them. */
export const defaultMeshConfig = `accessLogFile: /dev/stdout
defaultConfig:
  discoveryAddress: istiod.istio-system.svc:15012
enablePrometheusMerge: true
rootNamespace: istio-system
trustDomain: cluster.local
`;

/** All objects, in the order in which they can be created. */
export function istioSystemObjects(options: IstioSystemOptions = {}): readonly KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...istiodObjects(options.meshConfig ?? defaultMeshConfig),
    ...gatewayObjects(),
  ];
}

const istiodLabels = { app: 'istiod', istio: 'pilot', 'istio.io/rev': 'default' };

const ownLabels = {
  ...istiodLabels,
  'app.kubernetes.io/name': 'istiod',
  'app.kubernetes.io/part-of': 'istio',
  'app.kubernetes.io/version': istioVersion,
  'operator.istio.io/component': 'Pilot',
  release: 'istio',
};

function istiodObjects(meshConfig: string): readonly KubeObject[] {
  return [
    serviceAccount('istiod', ownLabels),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace, labels: { 'istio.io/rev': 'default', release: 'istio' } },
      data: { mesh: meshConfig, meshNetworks: 'networks: {}' },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'istiod', namespace, labels: ownLabels },
      spec: {
        selector: { app: 'istiod', istio: 'pilot' },
        ports: [
          { name: 'grpc-xds', port: 15010 },
          { name: 'https-dns', port: 15012 },
          { name: 'https-webhook', port: 443, targetPort: 15017 },
          { name: 'http-monitoring', port: 15014 },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'istiod', namespace, labels: ownLabels },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'istiod', istio: 'pilot' } },
        template: {
          metadata: {
            labels: { ...istiodLabels, 'sidecar.istio.io/inject': 'false' },
            annotations: {
              'prometheus.io/port': '15014',
              'prometheus.io/scrape': 'true',
              'sidecar.istio.io/inject': 'false',
            },
          },
          spec: {
            serviceAccountName: 'istiod',
            containers: [
              {
                name: 'discovery',
                image: `${istioHub}/pilot:${istioVersion}`,
                args: ['discovery', '--monitoringAddr=:15014', '--log_output_level=default:info'],
                env: [{ name: 'REVISION', value: 'default' }],
                ports: [
                  { name: 'http-debug', containerPort: 8080 },
                  { name: 'grpc-xds', containerPort: 15010 },
                  { name: 'tls-xds', containerPort: 15012 },
                  { name: 'https-webhooks', containerPort: 15017 },
                  { name: 'http-monitoring', containerPort: 15014 },
                ],
                readinessProbe: {
                  httpGet: { path: '/ready', port: 8080 },
                  periodSeconds: 3,
                  timeoutSeconds: 5,
                },
              },
            ],
          },
        },
      },
    },
    injectorWebhook(),
  ];
}

function serviceAccount(name: string, labels: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } };
}

type Expression = { readonly key: string; readonly operator: string; readonly values?: readonly string[] };

const inject = 'sidecar.istio.io/inject';
const namespaceLabel = 'istio-injection';
const revisionLabel = 'istio.io/rev';
const absent = (key: string): Expression => ({ key, operator: 'DoesNotExist' });
const is = (key: string, ...values: readonly string[]): Expression => ({ key, operator: 'In', values });
const isNot = (key: string, ...values: readonly string[]): Expression => ({ key, operator: 'NotIn', values });

/** The selectors of Istio's own chart for the default revision: who asks the injector about which pods. */
function injectorWebhook(): KubeObject {
  const webhooks: readonly (readonly [string, readonly Expression[], readonly Expression[]])[] = [
    ['rev.namespace', [is(revisionLabel, 'default'), absent(namespaceLabel)], [isNot(inject, 'false')]],
    [
      'rev.object',
      [absent(revisionLabel), absent(namespaceLabel)],
      [isNot(inject, 'false'), is(revisionLabel, 'default')],
    ],
    ['namespace', [is(namespaceLabel, 'enabled')], [isNot(inject, 'false')]],
    ['object', [absent(namespaceLabel), absent(revisionLabel)], [is(inject, 'true'), absent(revisionLabel)]],
  ];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: 'istio-sidecar-injector',
      labels: { ...ownLabels, app: 'sidecar-injector' },
    },
    webhooks: webhooks.map(([name, namespaceSelector, objectSelector]) => ({
      name: `${name}.sidecar-injector.istio.io`,
      clientConfig: { service: { name: 'istiod', namespace, path: '/inject', port: 443 } },
      sideEffects: 'None',
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      admissionReviewVersions: ['v1'],
      namespaceSelector: { matchExpressions: namespaceSelector },
      objectSelector: { matchExpressions: objectSelector },
    })),
  };
}

const gatewayLabels = { app: 'istio-ingressgateway', istio: 'ingressgateway' };

function gatewayObjects(): readonly KubeObject[] {
  const name = 'istio-ingressgateway';
  return [
    serviceAccount(`${name}-service-account`, { ...gatewayLabels, release: 'istio' }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels: { ...gatewayLabels, release: 'istio' } },
      spec: {
        type: 'LoadBalancer',
        selector: gatewayLabels,
        ports: [
          { name: 'status-port', port: 15021 },
          { name: 'http2', port: 80, targetPort: 8080 },
          { name: 'https', port: 443, targetPort: 8443 },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace,
        labels: { ...gatewayLabels, release: 'istio', 'istio.io/rev': 'default' },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: gatewayLabels },
        template: {
          metadata: {
            labels: {
              ...gatewayLabels,
              'service.istio.io/canonical-name': name,
              'service.istio.io/canonical-revision': 'latest',
              'sidecar.istio.io/inject': 'false',
            },
            annotations: {
              'prometheus.io/path': '/stats/prometheus',
              'prometheus.io/port': '15020',
              'prometheus.io/scrape': 'true',
              'sidecar.istio.io/inject': 'false',
            },
          },
          spec: {
            serviceAccountName: `${name}-service-account`,
            containers: [
              {
                name: 'istio-proxy',
                image: `${istioHub}/proxyv2:${istioVersion}`,
                args: ['proxy', 'router', '--domain', '$(POD_NAMESPACE).svc.cluster.local'],
                env: [
                  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
                ],
                ports: [
                  { containerPort: 15021 },
                  { containerPort: 8080 },
                  { containerPort: 8443 },
                  { name: 'http-envoy-prom', containerPort: 15090 },
                ],
                readinessProbe: {
                  httpGet: { path: '/healthz/ready', port: 15021 },
                  periodSeconds: 2,
                  failureThreshold: 30,
                },
              },
            ],
          },
        },
      },
    },
  ];
}

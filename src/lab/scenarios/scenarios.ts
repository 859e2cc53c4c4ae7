/** What `padlock lab up --scenario NAME` deploys: namespaces in which STRICT would break something that clusters have. Data. */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { ScenarioName } from './names.ts';
import { account, caller, deployment, namespace, service, template } from './objects.ts';

export interface Scenario {
  /** What is special in it, in one line. */
  readonly brief: string;
  readonly objects: readonly KubeObject[];
}

/** The namespace that all are about: in the mesh, without a policy. */
export const shop = 'shop';
const url = 'http://httpbin.shop:8000/get';

const base: readonly KubeObject[] = [
  namespace(shop, true),
  ...deployment({
    name: 'httpbin',
    namespace: shop,
    container: { image: 'docker.io/kennethreitz/httpbin', ports: [{ containerPort: 80, name: 'http' }] },
  }),
  service('httpbin', shop, [{ name: 'http', port: 8000, targetPort: 80 }]),
  ...deployment({ name: 'sleep', namespace: shop, container: caller(url) }),
];

const plaintextClient: readonly KubeObject[] = [
  namespace('legacy', false),
  ...deployment({ name: 'batch', namespace: 'legacy', container: caller(url) }),
];

/** Patient, because the server may not be there yet. */
const patience = ['-m', '60', '--retry', '30', '--retry-all-errors', '--retry-delay', '1'];
const once = { image: 'curlimages/curl', command: ['curl', '-sS', ...patience, '-o', '/dev/null', url] };

/** A Job cannot end while its sidecar runs, so they are often left out of the mesh. */
const job: readonly KubeObject[] = [
  account('report', shop),
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'report', namespace: shop },
    spec: {
      schedule: '* * * * *',
      jobTemplate: { spec: { backoffLimit: 0, template: jobTemplate('report') } },
    },
  },
  account('migrate', shop),
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate', namespace: shop },
    spec: { backoffLimit: 0, template: jobTemplate('migrate') },
  },
];

function jobTemplate(name: string): object {
  return template({
    name,
    namespace: shop,
    container: once,
    annotations: { 'sidecar.istio.io/inject': 'false' },
    pod: { restartPolicy: 'Never' },
  });
}

/** A webhook's backend, and who calls it as the API server would: from a node's own network, which no sidecar sees. */
const webhook: readonly KubeObject[] = [
  ...deployment({
    name: 'admission',
    namespace: shop,
    container: { image: 'example.com/shop/admission:1.0', ports: [{ containerPort: 8443, name: 'https' }] },
  }),
  service('admission', shop, [{ name: 'https', port: 443, targetPort: 8443 }]),
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'shop-admission' },
    webhooks: [
      {
        name: 'admission.shop.example.com',
        clientConfig: { service: { name: 'admission', namespace: shop, path: '/validate', port: 443 } },
        rules: [
          {
            apiGroups: ['shop.example.com'],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['orders'],
          },
        ],
        failurePolicy: 'Ignore',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  },
  namespace('control', false),
  ...deployment({
    name: 'api-caller',
    namespace: 'control',
    container: caller('http://admission.shop:443/validate'),
    pod: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
  }),
];

/** Prometheus reads an application's own metrics port, by the pods' addresses. */
const scraper: readonly KubeObject[] = [
  ...deployment({
    name: 'orders',
    namespace: shop,
    container: { image: 'example.com/shop/orders:1.0', ports: [{ containerPort: 9102, name: 'metrics' }] },
    annotations: {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9102',
      'prometheus.io/path': '/metrics',
      'prometheus.istio.io/merge-metrics': 'false',
    },
  }),
  service('orders', shop, [{ name: 'http-metrics', port: 9102 }], { clusterIP: 'None' }),
  namespace('monitoring', false),
  ...deployment({
    name: 'prometheus',
    namespace: 'monitoring',
    container: caller('http://orders.shop:9102/metrics'),
  }),
];

/** Peers of a StatefulSet find each other by their pods' names; one is kept out of the mesh. */
const headless: readonly KubeObject[] = [
  account('db', shop),
  service('db', shop, [{ name: 'tcp-peer', port: 7000 }], { clusterIP: 'None' }),
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: shop },
    spec: {
      serviceName: 'db',
      replicas: 2,
      selector: { matchLabels: { app: 'db' } },
      template: template({
        name: 'db',
        namespace: shop,
        container: { image: 'example.com/shop/db:1.0', ports: [{ containerPort: 7000, name: 'tcp-peer' }] },
      }),
    },
  },
  ...deployment({
    name: 'db-backup',
    namespace: shop,
    container: caller('http://db-0.db.shop:7000/dump'),
    annotations: { 'sidecar.istio.io/inject': 'false' },
  }),
];

/** MySQL speaks first: in plaintext its clients hang where PERMISSIVE waits for their first bytes. */
const serverFirst: readonly KubeObject[] = [
  ...deployment({
    name: 'mysql',
    namespace: shop,
    container: { image: 'docker.io/library/mysql:8.4', ports: [{ containerPort: 3306, name: 'mysql' }] },
  }),
  service('mysql', shop, [{ name: 'tcp-mysql', port: 3306 }]),
  namespace('reporting', false),
  ...deployment({
    name: 'mysql-client',
    namespace: 'reporting',
    container: caller('telnet://mysql.shop:3306'),
  }),
];

const single = {
  'plaintext-client': { brief: 'a client outside the mesh calls httpbin every second', own: plaintextClient },
  job: { brief: 'a Job and a CronJob without a sidecar call httpbin', own: job },
  webhook: { brief: 'a webhook backend that is called from outside the mesh', own: webhook },
  scraper: { brief: 'Prometheus scrapes an application port by pod address', own: scraper },
  headless: {
    brief: 'a StatefulSet behind a headless service, read by a client outside the mesh',
    own: headless,
  },
  'server-first': { brief: 'MySQL, which speaks first, and a client outside the mesh', own: serverFirst },
} as const satisfies Record<Exclude<ScenarioName, 'all'>, unknown>;

export function scenario(name: ScenarioName): Scenario {
  if (name !== 'all') {
    const { brief, own } = single[name];
    return { brief, objects: [...base, ...own] };
  }
  const everything = Object.values(single).flatMap(({ own }) => own);
  return { brief: 'all of them at once', objects: [...base, ...everything] };
}

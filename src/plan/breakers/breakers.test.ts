/** Each kind of breaker beside its harmless twin. */
import { expect, test } from 'vitest';
import { formatRef } from '../../istio/kubernetes.ts';
import { meshOf } from '../../mesh/findings/testing/manifests.ts';
import { strictTarget } from '../target.ts';
import { server, service, shopNamespace } from '../testing/shop.ts';
import { findBreakers } from './all.ts';

/** `CERTAINTY KIND RESOURCE [exception ports]` for each breaker. */
function breakers(yaml: string): readonly string[] {
  const mesh = meshOf(shopNamespace + yaml);
  const target = strictTarget(mesh, 'shop').mesh;
  return findBreakers({ namespace: 'shop', mesh, target }).map(
    ({ certainty, kind, resource, exceptions }) => {
      const ports = exceptions.map(({ workload, port }) => `${workload.name}:${port}`).join(' ');
      return `${certainty} ${kind} ${formatRef(resource)} [${ports}]`;
    },
  );
}

const web = server({ name: 'web' }) + service('web', '{ name: http, port: 80, targetPort: 8080 }');

test('a server behind a sidecar with an ordinary Service breaks nothing', () => {
  expect(breakers(web)).toEqual([]);
});

test('nothing breaks where an exception is in place already', () => {
  const exception = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: open, namespace: shop }
spec: { selector: { matchLabels: { app: web } }, portLevelMtls: { "8080": { mode: PERMISSIVE } } }
---`;
  const balanced = service('web', '{ name: http, port: 80, targetPort: 8080 }', 'spec: type: LoadBalancer');
  expect(breakers(server({ name: 'web' }) + balanced)).toEqual([
    'breaks exposed-service Service shop/web [web:8080]',
  ]);
  expect(breakers(server({ name: 'web' }) + balanced + exception)).toEqual([]);
});

const object = (apiVersion: string, kind: string, name: string, rest: string, namespace = ''): string => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: ${name}${namespace === '' ? '' : `, namespace: ${namespace}`} }
${rest}
---`;

const cases: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    'webhook',
    object(
      'admissionregistration.k8s.io/v1',
      'ValidatingWebhookConfiguration',
      'v',
      'webhooks: [{ name: a, clientConfig: { service: { name: web, namespace: shop, port: 80 } } }]',
    ),
    object(
      'admissionregistration.k8s.io/v1',
      'ValidatingWebhookConfiguration',
      'v',
      'webhooks: [{ name: a, clientConfig: { service: { name: web, namespace: other, port: 80 } } }, { name: b, clientConfig: { url: "https://web.shop" } }]',
    ),
    ['breaks webhook ValidatingWebhookConfiguration v [web:8080]'],
  ],
  [
    'aggregated API',
    object(
      'apiregistration.k8s.io/v1',
      'APIService',
      'v1.shop.example',
      'spec: { service: { name: web, namespace: shop, port: 80 } }',
    ),
    object('apiregistration.k8s.io/v1', 'APIService', 'v1.apps', 'spec: { group: apps }'),
    ['breaks api-service APIService v1.shop.example [web:8080]'],
  ],
  [
    'ServiceMonitor',
    object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      'm',
      'spec: { namespaceSelector: { matchNames: [shop] }, selector: {}, endpoints: [{ port: http }] }',
      'monitoring',
    ),
    object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      'm',
      'spec: { selector: {}, endpoints: [{ port: http }] }',
      'monitoring',
    ),
    ['breaks monitor ServiceMonitor monitoring/m [web:8080]'],
  ],
  [
    'ServiceMonitor with a mesh certificate',
    object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      'm',
      'spec: { selector: {}, endpoints: [{ port: http }] }',
      'shop',
    ),
    object(
      'monitoring.coreos.com/v1',
      'ServiceMonitor',
      'm',
      'spec: { selector: {}, endpoints: [{ port: http, scheme: https, tlsConfig: { certFile: /etc/prom-certs/cert-chain.pem } }] }',
      'shop',
    ),
    ['breaks monitor ServiceMonitor shop/m [web:8080]'],
  ],
  [
    'PodMonitor',
    object(
      'monitoring.coreos.com/v1',
      'PodMonitor',
      'm',
      'spec: { selector: { matchLabels: { app: web } }, podMetricsEndpoints: [{ portNumber: 8080 }] }',
      'shop',
    ),
    object(
      'monitoring.coreos.com/v1',
      'PodMonitor',
      'm',
      'spec: { selector: { matchLabels: { app: web } }, podMetricsEndpoints: [{ portNumber: 15020 }] }',
      'shop',
    ),
    ['breaks monitor PodMonitor shop/m [web:8080]'],
  ],
  [
    'Ingress',
    object(
      'networking.k8s.io/v1',
      'Ingress',
      'i',
      'spec: { rules: [{ http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }',
      'shop',
    ),
    object(
      'networking.k8s.io/v1',
      'Ingress',
      'i',
      'spec: { ingressClassName: istio, defaultBackend: { service: { name: web, port: { name: http } } } }',
      'shop',
    ),
    ['may-break ingress Ingress shop/i [web:8080]'],
  ],
  [
    'DestinationRule',
    object(
      'networking.istio.io/v1',
      'DestinationRule',
      'd',
      'spec: { host: web.shop.svc.cluster.local, trafficPolicy: { tls: { mode: DISABLE } } }',
      'shop',
    ) + server({ name: 'client', ports: [1] }),
    object(
      'networking.istio.io/v1',
      'DestinationRule',
      'd',
      'spec: { host: web.shop.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }',
      'shop',
    ) + server({ name: 'client', ports: [1] }),
    ['breaks destination-rule DestinationRule shop/d [web:8080]'],
  ],
  [
    'scrape annotation',
    server({ name: 'm', annotations: 'prometheus.io/scrape: "true", prometheus.io/port: "8080"' }),
    server({ name: 'm', annotations: 'prometheus.io/scrape: "true", prometheus.io/port: "15020"' }),
    ['breaks scrape Deployment shop/m [m:8080]'],
  ],
  [
    'probe',
    server({
      name: 'm',
      annotations: 'sidecar.istio.io/rewriteAppHTTPProbers: "false"',
      container: ', readinessProbe: { httpGet: { port: 8080 } }',
    }),
    server({ name: 'm', container: ', readinessProbe: { httpGet: { port: 15020 } }' }),
    ['breaks probe Deployment shop/m [m:8080]'],
  ],
  [
    'probe and hook that injection missed',
    server({
      name: 'm',
      container:
        ', lifecycle: { preStop: { httpGet: { port: 8080 } } }, livenessProbe: { grpc: { port: 8080 } }',
    }),
    server({
      name: 'm',
      container:
        ', lifecycle: { preStop: { exec: { command: [x] } } }, livenessProbe: { tcpSocket: { port: 8080 } }',
    }),
    ['breaks probe Deployment shop/m [m:8080]'],
  ],
  [
    'HTTPRoute',
    object('gateway.networking.k8s.io/v1', 'Gateway', 'g', 'spec: { gatewayClassName: eg }', 'infra') +
      object(
        'gateway.networking.k8s.io/v1',
        'HTTPRoute',
        'r',
        'spec: { parentRefs: [{ name: g, namespace: infra }], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }',
        'shop',
      ),
    object('gateway.networking.k8s.io/v1', 'Gateway', 'g', 'spec: { gatewayClassName: istio }', 'infra') +
      object(
        'gateway.networking.k8s.io/v1',
        'HTTPRoute',
        'r',
        'spec: { parentRefs: [{ name: g, namespace: infra }], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }',
        'shop',
      ),
    ['breaks ingress HTTPRoute shop/r [web:8080]'],
  ],
  [
    'NodePort',
    server({ name: 'm' }) +
      service('m', '{ name: http, port: 80, targetPort: 8080, nodePort: 30080 }', 'spec: type: NodePort'),
    server({ name: 'm' }) + service('m', '{ name: http, port: 80, targetPort: 8080 }'),
    ['may-break exposed-service Service shop/m [m:8080]'],
  ],
  [
    'server-first port',
    server({ name: 'db', ports: [3306] }) + service('db', '{ name: mysql, port: 3306, targetPort: 3306 }'),
    server({ name: 'db', ports: [6379] }) + service('db', '{ name: redis, port: 6379, targetPort: 6379 }'),
    ['may-break server-first Deployment shop/db []'],
  ],
  [
    'init container',
    server({
      name: 'm',
      spec: 'initContainers: [{ name: migrate, image: m }, { name: istio-init, image: i }]',
    }),
    server({
      name: 'm',
      spec: 'initContainers: [{ name: istio-init, image: i }, { name: istio-proxy, image: p, restartPolicy: Always }, { name: migrate, image: m }]',
    }),
    ['may-break init-container Deployment shop/m []'],
  ],
  [
    'StatefulSet peers',
    server({ name: 'kv', kind: 'StatefulSet', ports: [8080, 7946] }) +
      service('kv', '{ name: http, port: 80, targetPort: 8080 }'),
    server({ name: 'kv', kind: 'StatefulSet', ports: [8080, 7946] }) +
      service(
        'kv',
        '{ name: http, port: 80, targetPort: 8080 }, { name: tcp-peer, port: 7946, targetPort: 7946 }',
      ),
    ['may-break headless StatefulSet shop/kv [kv:7946]'],
  ],
  [
    'host network',
    server({ name: 'm', sidecar: false, spec: 'hostNetwork: true' }),
    server({ name: 'm' }),
    ['may-break host-network Deployment shop/m []'],
  ],
  [
    'CronJob',
    object(
      'batch/v1',
      'CronJob',
      'nightly',
      'spec: { jobTemplate: { spec: { template: { metadata: { labels: { sidecar.istio.io/inject: "false" } }, spec: { containers: [{ name: c, image: c }] } } } } }',
      'shop',
    ),
    '',
    ['may-break job CronJob shop/nightly []'],
  ],
  [
    'excluded port',
    server({ name: 'm', annotations: 'traffic.sidecar.istio.io/excludeInboundPorts: "8080"' }) +
      service('m', '{ name: http, port: 80, targetPort: 8080 }'),
    server({ name: 'm' }) + service('m', '{ name: http, port: 80, targetPort: 8080 }'),
    ['unprotected excluded-port Deployment shop/m []'],
  ],
];

test.each(cases)('%s', (_name, bad, harmless, expected) => {
  expect(breakers(web + bad)).toEqual(expected);
  expect(breakers(web + harmless)).toEqual([]);
});

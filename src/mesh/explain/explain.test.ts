import { describe, expect, test } from 'vitest';
import { formatRef } from '../../istio/kubernetes.ts';
import { meshOf } from '../findings/testing/manifests.ts';
import { explainCall, explainPort } from './explain.ts';
import { callQuestion, portQuestion } from './question.ts';

const namespace = (name: string, injected = true): string => `
---
apiVersion: v1
kind: Namespace
metadata: { name: ${name}${injected ? ', labels: { istio-injection: enabled }' : ''} }`;

const workload = (space: string, name: string, more = ''): string => `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${space} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name} }
      ${more}
    spec:
      containers: [{ name: app, image: example/app, ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${space} }
spec: { selector: { app: ${name} }, clusterIP: 10.0.0.9, ports: [{ name: http, port: 80, targetPort: 8080 }] }`;

const policy = (space: string, name: string, spec: string): string => `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: ${space} }
spec: ${spec}`;

const rule = (space: string, spec: string): string => `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: cart, namespace: ${space} }
spec: ${spec}`;

const base = `${namespace('shop')}${namespace('web')}${namespace('old', false)}${workload('shop', 'cart')}${workload('web', 'front')}${workload('old', 'legacy')}`;

function call(text: string, client = 'web/front', server = 'shop/cart:80') {
  const mesh = meshOf(text);
  const question = callQuestion(mesh, client, server);
  if (question.kind === 'problem') throw new Error(question.sentence);
  const [answer] = explainCall(mesh, question);
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

function summary(text: string, client?: string, server?: string) {
  const { sends, outcome, lever } = call(text, client, server);
  const change =
    lever === undefined
      ? 'nothing'
      : `${formatRef(lever.resource)} ${lever.field} ${lever.from ?? '-'} -> ${lever.to ?? '-'}`;
  return `${sends}, ${outcome}; ${change}; ${lever?.then ?? ''}`;
}

const works = "Istio mutual TLS is sent and ended by the server's proxy: it works";
const through = 'plaintext is sent and reaches the application';

describe('the one field to change', () => {
  const cases: readonly (readonly [what: string, text: string, answer: string, client?: string])[] = [
    [
      'a DestinationRule that says DISABLE',
      base +
        policy('shop', 'default', '{ mtls: { mode: STRICT } }') +
        rule('web', '{ host: cart.shop.svc.cluster.local, trafficPolicy: { tls: { mode: DISABLE } } }'),
      `plaintext, refused; DestinationRule web/cart spec.trafficPolicy.tls DISABLE -> -; ${works}`,
    ],
    [
      'a DestinationRule whose port entry says SIMPLE',
      base +
        policy('shop', 'default', '{ mtls: { mode: STRICT } }') +
        rule(
          'shop',
          '{ host: cart, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] } }',
        ),
      `tls, refused; DestinationRule shop/cart spec.trafficPolicy.portLevelSettings[0].tls SIMPLE -> -; ${works}`,
    ],
    [
      'a caller without a sidecar',
      base + policy('shop', 'default', '{ mtls: { mode: STRICT } }'),
      `plaintext, refused; Deployment old/legacy spec.template.metadata.labels["sidecar.istio.io/inject"] - -> true; ${works}`,
      'old/legacy',
    ],
    [
      'a caller outside the mesh, for whom only the server can change',
      base + policy('shop', 'default', '{ mtls: { mode: STRICT } }'),
      `plaintext, refused; PeerAuthentication shop/default spec.mtls.mode STRICT -> PERMISSIVE; ${through}`,
      'outside',
    ],
    [
      'STRICT at the port',
      base +
        policy(
          'shop',
          'cart',
          '{ selector: { matchLabels: { app: cart } }, portLevelMtls: { 8080: { mode: STRICT } } }',
        ),
      `plaintext, refused; PeerAuthentication shop/cart spec.portLevelMtls.8080.mode STRICT -> PERMISSIVE; ${through}`,
      'outside',
    ],
    [
      'a STRICT workload in a namespace at DISABLE',
      base +
        policy('shop', 'default', '{ mtls: { mode: DISABLE } }') +
        policy('shop', 'cart', '{ selector: { matchLabels: { app: cart } }, mtls: { mode: STRICT } }'),
      `plaintext, refused; PeerAuthentication shop/default spec.mtls.mode DISABLE -> PERMISSIVE; ${works}`,
    ],
    [
      'the same by the mesh',
      base +
        policy('istio-system', 'default', '{ mtls: { mode: DISABLE } }') +
        policy('shop', 'cart', '{ selector: { matchLabels: { app: cart } }, mtls: { mode: STRICT } }'),
      `plaintext, refused; PeerAuthentication istio-system/default spec.mtls.mode DISABLE -> PERMISSIVE; ${works}`,
    ],
    [
      'automatic mutual TLS off',
      `${base + policy('shop', 'default', '{ mtls: { mode: STRICT } }')}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: "enableAutoMtls: false" }`,
      `plaintext, refused; ConfigMap istio-system/istio data.mesh.enableAutoMtls false -> true; ${works}`,
    ],
    [
      'a client that leads calls past its sidecar',
      base.replace(
        workload('web', 'front'),
        workload('web', 'front', 'annotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "80" }'),
      ) + policy('shop', 'default', '{ mtls: { mode: STRICT } }'),
      `plaintext, refused; Deployment web/front spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"] 80 -> -; ${works}`,
    ],
    [
      'a server that takes the port out of its sidecar',
      base.replace(
        workload('shop', 'cart'),
        workload('shop', 'cart', 'annotations: { traffic.sidecar.istio.io/excludeInboundPorts: "8080" }'),
      ),
      `istio-mtls, refused; Deployment shop/cart spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeInboundPorts"] 8080 -> -; ${works}`,
    ],
    [
      'ISTIO_MUTUAL to a port at DISABLE',
      base +
        policy('shop', 'default', '{ mtls: { mode: DISABLE } }') +
        rule('shop', '{ host: cart, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }'),
      `istio-mtls, refused; PeerAuthentication shop/default spec.mtls.mode DISABLE -> PERMISSIVE; ${works}`,
    ],
    [
      'ISTIO_MUTUAL to a bare pod',
      base +
        rule('web', '{ host: legacy.old.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }'),
      `istio-mtls, refused; Deployment old/legacy spec.template.metadata.labels["sidecar.istio.io/inject"] - -> true; ${works}`,
    ],
    [
      'a host that the Sidecar resource does not import',
      `${base + policy('shop', 'default', '{ mtls: { mode: STRICT } }')}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: web }
spec: { egress: [{ hosts: ["./*"] }] }`,
      `plaintext, refused; Sidecar web/default spec.egress[0].hosts - -> shop/cart.shop.svc.cluster.local; ${works}`,
    ],
    [
      'a call that is mutual TLS while plaintext is taken too: who would end that',
      base + policy('shop', 'default', '{ mtls: { mode: PERMISSIVE } }'),
      'istio-mtls, mtls; PeerAuthentication shop/default spec.mtls.mode PERMISSIVE -> STRICT; this call stays mutual TLS, and it takes mutual TLS only',
    ],
    [
      'no policy at all: one that has to be made',
      base,
      'istio-mtls, mtls; PeerAuthentication shop/default spec.mtls.mode - -> STRICT; this call stays mutual TLS, and it takes mutual TLS only',
    ],
  ];
  test.each(cases)('%s', (_what, text = '', answer = '', client = undefined) => {
    const server = answer.includes('old/legacy') && client === undefined ? 'old/legacy:80' : undefined;
    expect(summary(text, client, server)).toBe(answer);
  });

  test('a policy that stands there and says nothing is set, not doubled', () => {
    const text = `${base}${policy('shop', 'open', '{}')}`;
    expect(summary(text)).toContain('PeerAuthentication shop/open spec.mtls.mode UNSET -> STRICT');
  });

  test('a pod on the host network gets no sidecar: the server is all that can change', () => {
    const text = `${base.replaceAll('spec:\n      containers: [{ name: app', 'spec:\n      hostNetwork: true\n      containers: [{ name: app')}`;
    expect(call(text, 'old/legacy').lever).toBeUndefined();
  });
});

test('the server’s side has all four levels, the empty ones too, and tells the ignored policy', () => {
  const text = `${base}${policy('shop', 'default', '{ mtls: { mode: STRICT } }')}${policy('shop', 'second', '{ mtls: { mode: DISABLE } }')}`;
  const { server } = call(text);
  expect(server?.levels.map(({ level, says, decides }) => [level, says ?? '-', decides])).toEqual([
    ['mesh', '-', false],
    ['namespace', 'STRICT', true],
    ['workload', '-', false],
    ['port', '-', false],
  ]);
  expect(server?.reasons.filter(({ beaten }) => beaten).map(({ text: words }) => words)).toEqual([
    expect.stringContaining('PeerAuthentication shop/second is ignored'),
  ]);
});

test('a pod’s own address: plaintext past all rules, and the tunnel in ambient mode', () => {
  const text = `${base}${policy('shop', 'default', '{ mtls: { mode: STRICT } }')}`;
  const answer = call(text, 'web/front', 'shop/deployment/cart:7777');
  expect([answer.sends, answer.outcome, answer.host]).toEqual(['plaintext', 'refused', undefined]);
  const ambient = text.replaceAll('istio-injection: enabled', 'istio.io/dataplane-mode: ambient');
  const tunnelled = call(ambient, 'web/front', 'shop/deployment/cart:7777');
  expect([tunnelled.sends, tunnelled.outcome]).toEqual(['istio-mtls', 'mtls']);
});

test('one port: what it takes, who calls it, and what would change it', () => {
  const mesh = meshOf(`${base}${policy('shop', 'default', '{ mtls: { mode: STRICT } }')}`);
  const question = portQuestion(mesh, 'shop/cart');
  if (question.kind === 'problem') throw new Error(question.sentence);
  const [server] = question.workloads;
  if (server === undefined) throw new Error('no workload');
  const { callers, lever } = explainPort(mesh, server, question.port);
  expect(question.port).toBe(8080);
  expect(callers).toEqual({ mtls: ['web/front'], plaintext: [], refused: ['old/legacy'], tls: [] });
  expect(lever).toMatchObject({ field: 'spec.mtls.mode', from: 'STRICT', to: 'PERMISSIVE' });
});

describe('what a person may write', () => {
  const mesh = meshOf(base);
  test.each([
    ['web/front', 'cart.shop:80'],
    ['front', 'cart.shop.svc.cluster.local:http'],
    ['web/deployment/front', 'shop/cart'],
    ['deploy/front', 'shop/cart:8080'],
    ['front.web', 'shop/cart:80'],
  ])('%s to %s', (client, server) => {
    expect(callQuestion(mesh, client, server)).toMatchObject({
      kind: 'call',
      port: 80,
      host: { host: 'cart.shop.svc.cluster.local' },
    });
  });

  test.each([
    ['web/nobody', 'shop/cart:80', 'no workload, pod or host "web/nobody"'],
    ['front', 'shop/card:80', 'no workload, pod or host'],
    ['front', 'shop/cart:81', 'no port 81'],
    ['front', 'shop/cart:grpc', 'no port grpc'],
    ['', ':', 'no workload, pod or host'],
  ])('%s to %s is told to be wrong', (client, server, sentence) => {
    expect(callQuestion(mesh, client, server)).toMatchObject({
      kind: 'problem',
      sentence: expect.stringContaining(sentence),
    });
  });

  test('a name that several workloads have', () => {
    const two = meshOf(`${base}${workload('web', 'cart')}`);
    expect(callQuestion(two, 'cart', 'shop/cart:80')).toMatchObject({
      kind: 'problem',
      hint: expect.stringContaining('shop/Deployment/cart, web/Deployment/cart'),
    });
  });
});

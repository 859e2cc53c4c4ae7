/**
 * The table of docs/commands/guard.md as data: what somebody does to a guarded namespace `shop`, and the refusal. It is
 * tried on the lab's API server, and on a real one where there is one.
 */
import type { KubeObject } from '../../../istio/kubernetes.ts';

/** An update keeps what it does not name: the pod's spec, the object's own metadata. */
export interface Act {
  readonly verb: 'create' | 'update' | 'delete';
  readonly object: KubeObject;
  /** First the namespace itself is deleted. */
  readonly afterNamespace?: true;
}

export const strict = policy('default', { mtls: { mode: 'STRICT' } });

export interface GuardCase {
  readonly name: string;
  readonly before?: readonly KubeObject[];
  readonly act: Act;
  /** A part of the refusal; absent: it passes. */
  readonly refused?: RegExp;
}

const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
const exception = (until: string): Record<string, string> => ({
  'padlock.dev/exception-owner': 'payments',
  'padlock.dev/exception-until': until,
});

export const modeCases: readonly GuardCase[] = [
  { name: 'a second STRICT policy', act: create(policy('other', { mtls: { mode: 'STRICT' } })) },
  ...['PERMISSIVE', 'DISABLE', 'UNSET'].map((mode) => ({
    name: `the namespace's policy to ${mode}`,
    act: update(policy('default', { mtls: { mode } })),
    refused: /without a selector must say STRICT/,
  })),
  {
    name: 'the mode taken out',
    act: update(policy('default', {})),
    refused: /without a selector must say STRICT/,
  },
  { name: 'mtls emptied', act: update(policy('default', { mtls: {} })), refused: /must say STRICT/ },
  {
    name: 'a new policy with an empty selector',
    act: create(policy('x', { selector: {}, mtls: { mode: 'PERMISSIVE' } })),
    refused: /must say STRICT/,
  },
  {
    name: 'a new policy with empty labels',
    act: create(policy('x', { selector: { matchLabels: {} } })),
    refused: /must say STRICT/,
  },
  {
    name: 'a selector put on the STRICT policy',
    act: update(policy('default', { selector: { matchLabels: { app: 'a' } }, mtls: { mode: 'STRICT' } })),
    refused: /may get neither a selector/,
  },
  {
    name: 'another revision put on the STRICT policy',
    act: update({ ...strict, metadata: { ...strict.metadata, labels: { 'istio.io/rev': 'canary' } } }),
    refused: /nor another istio.io\/rev/,
  },
  {
    name: 'another label put on the STRICT policy',
    act: update({ ...strict, metadata: { ...strict.metadata, labels: { team: 'a' } } }),
  },
  {
    name: 'the STRICT policy deleted',
    act: remove(policy('default', {})),
    refused: /may not be deleted/,
  },
  {
    name: 'the STRICT policy deleted with an exception',
    before: [{ ...strict, metadata: { ...strict.metadata, name: 'spare', annotations: exception(day(3)) } }],
    act: remove(policy('spare', {})),
  },
  {
    name: 'a STRICT workload policy deleted',
    before: [selected('w', { mtls: { mode: 'STRICT' } })],
    act: remove(policy('w', {})),
  },
  {
    name: 'the whole namespace deleted, and then its policy',
    before: [],
    act: { ...remove(strict), afterNamespace: true },
  },
  ...['PERMISSIVE', 'DISABLE'].map((mode) => ({
    name: `a workload policy with ${mode}`,
    act: create(selected('w', { mtls: { mode } })),
    refused: /with a selector may not say/,
  })),
  { name: 'a workload policy with UNSET', act: create(selected('w', { mtls: { mode: 'UNSET' } })) },
  ...['PERMISSIVE', 'DISABLE'].map((mode) => ({
    name: `one port with ${mode}`,
    act: create(
      selected('w', {
        mtls: { mode: 'STRICT' },
        portLevelMtls: { 8080: { mode: 'STRICT' }, 9090: { mode } },
      }),
    ),
    refused: /portLevelMtls may not say/,
  })),
  {
    name: 'a port with UNSET',
    act: create(selected('w', { mtls: { mode: 'STRICT' }, portLevelMtls: { 9090: { mode: 'UNSET' } } })),
  },
  {
    name: 'a weak policy elsewhere',
    act: create({
      ...policy('x', { mtls: { mode: 'DISABLE' } }),
      metadata: { name: 'x', namespace: 'other' },
    }),
  },
  {
    name: 'a weak policy with an exception',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(3)))),
  },
  {
    name: 'an exception that ends today',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(0)))),
  },
  {
    name: 'an exception that has ended',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(-1)))),
    refused: /with a selector may not say/,
  },
  {
    name: 'an exception too long',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(92)))),
    refused: /with a selector may not say/,
  },
  {
    name: 'an exception without an owner',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, { 'padlock.dev/exception-until': day(3) })),
    refused: /with a selector/,
  },
  {
    name: 'an exception without an end',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, { 'padlock.dev/exception-owner': 'a' })),
    refused: /with a selector/,
  },
  {
    name: 'an exception until nonsense',
    act: create(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception('soon'))),
    refused: /with a selector/,
  },
  {
    name: 'an update to weak with an exception',
    before: [selected('w', { mtls: { mode: 'STRICT' } })],
    act: update(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(3)))),
  },
  {
    name: 'an update to weak with an exception that has ended',
    before: [selected('w', { mtls: { mode: 'STRICT' } })],
    act: update(selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(-1)))),
    refused: /with a selector/,
  },
  {
    name: 'the exception taken off a weak policy',
    before: [selected('w', { mtls: { mode: 'PERMISSIVE' } }, exception(day(3)))],
    act: update(selected('w', { mtls: { mode: 'PERMISSIVE' } })),
    refused: /with a selector/,
  },
];

const rule = (name: string, host: string, spec: object, namespace = 'shop'): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace },
  spec: { host, ...spec },
});
const tls = (mode?: string): object => ({ tls: mode === undefined ? {} : { mode } });
const ownHost = 'cart.shop.svc.cluster.local';

export const ruleCases: readonly GuardCase[] = [
  {
    name: 'a rule without tls',
    act: create(rule('r', ownHost, { trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } })),
  },
  {
    name: 'a rule with ISTIO_MUTUAL',
    act: create(rule('r', ownHost, { trafficPolicy: tls('ISTIO_MUTUAL') })),
  },
  ...['DISABLE', 'SIMPLE', undefined].map((mode) => ({
    name: `the top level with ${mode ?? 'tls: {}'}`,
    act: create(rule('r', ownHost, { trafficPolicy: tls(mode) })),
    refused: /trafficPolicy.tls may only/,
  })),
  {
    name: 'a port with DISABLE',
    act: create(
      rule('r', ownHost, {
        trafficPolicy: {
          ...tls('ISTIO_MUTUAL'),
          portLevelSettings: [{ port: { number: 80 }, ...tls('DISABLE') }],
        },
      }),
    ),
    refused: /trafficPolicy.portLevelSettings.tls/,
  },
  {
    name: 'a subset with DISABLE',
    act: create(
      rule('r', ownHost, {
        subsets: [
          { name: 'v1', labels: { version: 'v1' } },
          { name: 'v2', trafficPolicy: tls('DISABLE') },
        ],
      }),
    ),
    refused: /subsets.trafficPolicy.tls/,
  },
  {
    name: 'a port of a subset with SIMPLE',
    act: create(
      rule('r', ownHost, {
        subsets: [
          { name: 'v2', trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, ...tls('SIMPLE') }] } },
        ],
      }),
    ),
    refused: /subsets.trafficPolicy.portLevelSettings/,
  },
  {
    name: 'a client in another namespace',
    act: create(rule('r', ownHost, { trafficPolicy: tls('DISABLE') }, 'other')),
    refused: /trafficPolicy.tls/,
  },
  ...['*.shop.svc.cluster.local', '*.svc.cluster.local', '*.local', '*'].map((host) => ({
    name: `the wildcard ${host} elsewhere`,
    act: create(rule('r', host, { trafficPolicy: tls('DISABLE') }, 'other')),
    refused: /trafficPolicy.tls/,
  })),
  {
    name: 'a short name',
    act: create(rule('r', 'cart', { trafficPolicy: tls('DISABLE') })),
    refused: /trafficPolicy.tls/,
  },
  {
    name: 'a short name elsewhere',
    act: create(rule('r', 'cart', { trafficPolicy: tls('DISABLE') }, 'other')),
  },
  {
    name: 'a rule here for another namespace',
    act: create(rule('r', 'db.other.svc.cluster.local', { trafficPolicy: tls('DISABLE') })),
    refused: /trafficPolicy.tls/,
  },
  {
    name: 'TLS to a host outside the cluster',
    act: create(rule('r', 'api.example.com', { trafficPolicy: tls('SIMPLE') })),
  },
  {
    name: 'a namespace whose name ends the same',
    act: create(rule('r', 'a.myshop.svc.cluster.local', { trafficPolicy: tls('DISABLE') }, 'other')),
  },
  {
    name: 'a rule with an exception',
    act: create({
      ...rule('r', ownHost, { trafficPolicy: tls('DISABLE') }),
      metadata: { name: 'r', namespace: 'shop', annotations: exception(day(3)) },
    }),
  },
  {
    name: 'a rule changed to DISABLE',
    before: [rule('r', ownHost, { trafficPolicy: tls('ISTIO_MUTUAL') })],
    act: update(rule('r', ownHost, { trafficPolicy: tls('DISABLE') })),
    refused: /trafficPolicy.tls/,
  },
];

const proxy = { name: 'istio-proxy', image: 'proxyv2' };
const app = { name: 'app', image: 'app' };
interface PodParts {
  readonly spec?: object;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}
const pod = ({ spec = { containers: [app, proxy] }, ...metadata }: PodParts): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'shop', ...metadata },
  spec,
});
const deployment = ({
  spec = { containers: [app] },
  labels = {},
  annotations = {},
}: PodParts): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd', ...labels }, annotations }, spec },
  },
});
const excludeInbound = 'traffic.sidecar.istio.io/excludeInboundPorts';
const includeInbound = 'traffic.sidecar.istio.io/includeInboundPorts';

export const injectionCases: readonly GuardCase[] = [
  { name: 'a pod with a sidecar', act: create(pod({})) },
  {
    name: 'a pod with a native sidecar',
    act: create(
      pod({ spec: { containers: [app], initContainers: [{ ...proxy, restartPolicy: 'Always' }] } }),
    ),
  },
  {
    name: 'a pod without a sidecar',
    act: create(pod({ spec: { containers: [app] } })),
    refused: /without the container istio-proxy/,
  },
  {
    name: 'a pod without a sidecar in another namespace',
    act: create({ ...pod({ spec: { containers: [app] } }), metadata: { name: 'p', namespace: 'other' } }),
  },
  {
    name: 'a pod without a sidecar, with an exception',
    act: create(pod({ spec: { containers: [app] }, annotations: exception(day(3)) })),
  },
  {
    name: 'an ambient pod',
    act: create(pod({ spec: { containers: [app] }, labels: { 'istio.io/dataplane-mode': 'ambient' } })),
  },
  {
    name: 'the agent’s own ports excluded, as the CNI writes it',
    act: create(
      pod({
        annotations: {
          [excludeInbound]: '15020',
          [includeInbound]: '*',
          'sidecar.istio.io/interceptionMode': 'REDIRECT',
        },
      }),
    ),
  },
  {
    name: 'an inbound port excluded',
    act: create(pod({ annotations: { [excludeInbound]: '15020, 8080' } })),
    refused: /past the sidecar/,
  },
  {
    name: 'only some inbound ports included',
    act: create(pod({ annotations: { [includeInbound]: '80' } })),
    refused: /past the sidecar/,
  },
  {
    name: 'no inbound ports included',
    act: create(pod({ annotations: { [includeInbound]: '' } })),
    refused: /past the sidecar/,
  },
  {
    name: 'no interception',
    act: create(pod({ annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } })),
    refused: /past the sidecar/,
  },
  {
    name: 'tlsMode disabled on a new pod',
    act: create(pod({ labels: { 'security.istio.io/tlsMode': 'disabled' } })),
    refused: /tlsMode may only say istio/,
  },
  {
    name: 'tlsMode taken off a running pod',
    before: [pod({ labels: { 'security.istio.io/tlsMode': 'istio' } })],
    act: update(pod({})),
    refused: /tlsMode may only/,
  },
  { name: 'a running pod labelled', before: [pod({})], act: update(pod({ labels: { a: 'b' } })) },
  { name: 'a plain template', act: create(deployment({})) },
  {
    name: 'a template that opts out by label',
    act: create(deployment({ labels: { 'sidecar.istio.io/inject': 'false' } })),
    refused: /opts out of injection/,
  },
  {
    name: 'a template that opts out by annotation',
    act: create(deployment({ annotations: { 'sidecar.istio.io/inject': 'false' } })),
    refused: /opts out of injection/,
  },
  {
    name: 'a template on the host’s network',
    act: create(deployment({ spec: { containers: [app], hostNetwork: true } })),
    refused: /host’s network/,
  },
  {
    name: 'a template past the sidecar',
    act: create(deployment({ annotations: { [excludeInbound]: '8080' } })),
    refused: /past the sidecar/,
  },
  {
    name: 'a template that opts out, with an exception',
    act: create(
      deployment({ labels: { 'sidecar.istio.io/inject': 'false' }, annotations: exception(day(3)) }),
    ),
  },
  {
    name: 'the namespace loses its injection label',
    act: update(namespace('shop', {})),
    refused: /may not lose the label/,
  },
  {
    name: 'the namespace says injection disabled',
    act: update(namespace('shop', { 'istio-injection': 'disabled' })),
    refused: /may not lose the label/,
  },
  {
    name: 'the namespace changes to a revision',
    act: update(namespace('shop', { 'istio.io/rev': 'canary' })),
  },
  { name: 'another namespace loses its label', act: update(namespace('other', {})) },
];

function create(object: KubeObject): Act {
  return { verb: 'create', object };
}

function update(object: KubeObject): Act {
  return { verb: 'update', object };
}

function remove(object: KubeObject): Act {
  return { verb: 'delete', object };
}

export function namespace(name: string, labels: Record<string, string>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
  };
}

function policy(name: string, spec: object, annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace: 'shop', annotations },
    spec: { ...spec },
  };
}

function selected(name: string, spec: object, annotations: Record<string, string> = {}): KubeObject {
  return policy(name, { selector: { matchLabels: { app: 'a' } }, ...spec }, annotations);
}

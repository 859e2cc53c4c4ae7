/** Policies to try on the mesh, each with the cases that a re-implementation gets wrong. */

export interface Scenario {
  readonly name: string;
  /** PeerAuthentications by `NAMESPACE/NAME`, and DestinationRules by the same. */
  readonly policies: Readonly<Record<string, object>>;
  readonly rules?: Readonly<Record<string, object>>;
}

const app = (name: string) => ({ matchLabels: { app: name } });
const strict = { mtls: { mode: 'STRICT' } };
const permissive = { mtls: { mode: 'PERMISSIVE' } };
const disable = { mtls: { mode: 'DISABLE' } };
const unset = { mtls: { mode: 'UNSET' } };

export const scenarios: readonly Scenario[] = [
  { name: 'nothing is written', policies: {} },
  { name: 'mesh STRICT', policies: { 'istio-system/default': strict } },
  {
    name: 'mesh STRICT, namespace UNSET',
    policies: { 'istio-system/default': strict, 'shop/default': unset },
  },
  {
    name: 'mesh DISABLE, namespace STRICT',
    policies: { 'istio-system/default': disable, 'shop/default': strict },
  },
  { name: 'namespace STRICT', policies: { 'shop/default': strict } },
  { name: 'namespace DISABLE', policies: { 'shop/default': disable } },
  {
    name: 'namespace DISABLE, workload STRICT (istio/istio#56084)',
    policies: { 'shop/default': disable, 'shop/orders': { selector: app('orders'), ...strict } },
  },
  {
    name: 'namespace STRICT, one port DISABLE, another PERMISSIVE',
    policies: {
      'shop/default': strict,
      'shop/orders': {
        selector: app('orders'),
        portLevelMtls: { 9000: { mode: 'DISABLE' }, 8080: { mode: 'PERMISSIVE' } },
      },
    },
  },
  {
    name: 'workload STRICT with a port UNSET and one that no Service declares at DISABLE',
    policies: {
      'shop/orders': {
        selector: app('orders'),
        ...strict,
        portLevelMtls: { 9000: { mode: 'UNSET' }, 7070: { mode: 'DISABLE' } },
      },
    },
  },
  {
    name: 'portLevelMtls names a Service port that is no container port',
    policies: {
      'shop/orders': { selector: app('orders'), ...strict, portLevelMtls: { 80: { mode: 'DISABLE' } } },
    },
  },
  {
    name: 'the oldest of two namespace policies and of two workload policies',
    policies: {
      'shop/z': strict,
      'shop/a': disable,
      'shop/orders-z': { selector: app('orders'), ...permissive },
      'shop/orders-a': { selector: app('orders'), ...disable },
    },
  },
  {
    name: 'a headless server at DISABLE in a STRICT namespace',
    policies: { 'shop/default': strict, 'shop/ledger': { selector: app('ledger'), ...disable } },
  },
  {
    name: 'an empty selector counts as none; a root policy with a selector selects nothing elsewhere',
    policies: {
      'shop/default': { selector: {}, ...strict },
      'istio-system/orders': { selector: app('orders'), ...disable },
    },
  },
  {
    name: 'namespace STRICT, a DestinationRule that disables TLS, and one for a port',
    policies: { 'shop/default': strict },
    rules: {
      'shop/orders': { host: 'orders', trafficPolicy: { tls: { mode: 'DISABLE' } } },
      'other/orders': {
        host: 'orders.shop.svc.cluster.local',
        trafficPolicy: {
          portLevelSettings: [
            { port: { number: 80 }, tls: { mode: 'ISTIO_MUTUAL' } },
            { port: { number: 9000 }, tls: { mode: 'DISABLE' } },
          ],
        },
      },
    },
  },
  {
    name: 'namespace PERMISSIVE, DestinationRule ISTIO_MUTUAL to a server without a sidecar and to one outside',
    policies: { 'shop/default': permissive },
    rules: {
      'shop/bare': { host: 'bare', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
      'shop/old': { host: 'old.legacy.svc.cluster.local', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
    },
  },
  {
    name: 'a rule without tls leaves auto mTLS alone; a wildcard rule of the root namespace',
    policies: { 'shop/default': strict },
    rules: {
      'shop/orders': { host: 'orders', trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } },
      'istio-system/all': { host: '*.svc.cluster.local', trafficPolicy: { tls: { mode: 'DISABLE' } } },
    },
  },
];

/** What a home-made reading of Istio's rules gets wrong, one by one; istiod's answers on random meshes are in golden.test.ts. */
import { describe, expect, test } from 'vitest';
import { edgesFrom } from './edge.ts';
import { findWorkloads } from './find.ts';
import { meshOf } from './findings/testing/manifests.ts';
import { effectiveMode, inbound } from './inbound.ts';

type Fields = Readonly<Record<string, unknown>>;

let created = 0;
const yaml = (...objects: readonly Fields[]): string =>
  objects.map((object) => JSON.stringify(object)).join('\n---\n');
const object = (apiVersion: string, kind: string, name: string, rest: Fields, meta: Fields = {}): Fields => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop', ...meta },
  ...rest,
});
const at = (second: number): Fields => ({
  creationTimestamp: new Date(1.7e12 + second * 1000).toISOString(),
});

interface PodOptions {
  readonly namespace?: string;
  readonly sidecar?: boolean;
  readonly labels?: Fields;
  readonly annotations?: Fields;
  readonly hostNetwork?: boolean;
  readonly ports?: readonly Fields[];
}

function pod(name: string, options: PodOptions = {}): Fields {
  const { namespace = 'shop', sidecar = true, ports = [{ containerPort: 8080 }] } = options;
  created++;
  return object(
    'v1',
    'Pod',
    name,
    {
      spec: {
        containers: [{ name: 'app', ports }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])],
        ...(options.hostNetwork === true ? { hostNetwork: true } : {}),
      },
      status: { podIP: `10.0.${created >> 8}.${created & 255}` },
    },
    {
      namespace,
      labels: { app: name, ...(sidecar ? { 'security.istio.io/tlsMode': 'istio' } : {}), ...options.labels },
      annotations: { ...(sidecar ? { 'sidecar.istio.io/status': '{}' } : {}), ...options.annotations },
    },
  );
}

const service = (name: string, spec: Fields = {}, meta: Fields = {}): Fields =>
  object(
    'v1',
    'Service',
    name,
    {
      spec: {
        selector: { app: name },
        clusterIP: '10.9.0.1',
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
        ...spec,
      },
    },
    meta,
  );
const policy = (name: string, spec: Fields, meta: Fields = {}): Fields =>
  object('security.istio.io/v1', 'PeerAuthentication', name, { spec }, meta);
const rule = (name: string, spec: Fields, meta: Fields = {}): Fields =>
  object(
    'networking.istio.io/v1',
    'DestinationRule',
    name,
    { spec: { host: 'cart.shop.svc.cluster.local', ...spec } },
    meta,
  );
const strict = { mtls: { mode: 'STRICT' } };
const disable = { mtls: { mode: 'DISABLE' } };
const tls = (mode: string): Fields => ({ trafficPolicy: { tls: { mode } } });
const root = { namespace: 'istio-system' };
const web = { namespace: 'web' };
const mesh = (config: string, name = 'istio'): Fields =>
  object('v1', 'ConfigMap', name, { data: { mesh: config } }, root);
const base = [pod('cart'), pod('front', web), service('cart')];

function modeOf(objects: readonly Fields[], port = 8080, name = 'shop/cart'): string {
  const built = meshOf(yaml(...objects));
  const [workload] = findWorkloads(built, name);
  if (workload === undefined) throw new Error(`no ${name}`);
  return effectiveMode(built, workload, port).mode;
}

function portOf(objects: readonly Fields[], port = 8080, name = 'shop/cart'): string {
  const built = meshOf(yaml(...objects));
  const [workload] = findWorkloads(built, name);
  if (workload === undefined) throw new Error(`no ${name}`);
  const { mtls, plaintext } = inbound(built, workload, port);
  return [...(mtls ? ['mtls'] : []), ...(plaintext ? ['plaintext'] : [])].join('+');
}

/** `sends outcome` of the likeliest way from web/front (or another client) to a host's port. */
function call(
  objects: readonly Fields[],
  client = 'web/front',
  host = 'cart.shop.svc.cluster.local',
  port = 80,
): string {
  const built = meshOf(yaml(...objects));
  const [workload] = findWorkloads(built, client);
  if (workload === undefined) throw new Error(`no ${client}`);
  const [edge] = edgesFrom(built, workload, host, port);
  return edge === undefined ? 'no way' : `${edge.sends} ${edge.outcome}`;
}

describe('the server’s policy', () => {
  test('1 a selector in the root namespace selects nothing, not even there', () => {
    const selecting = policy('x', { selector: { matchLabels: { app: 'cart' } }, ...strict }, root);
    expect(modeOf([...base, selecting])).toBe('PERMISSIVE');
    expect(modeOf([pod('cart', root), selecting], 8080, 'istio-system/cart')).toBe('PERMISSIVE');
  });
  test('2 a workload in the root namespace has the mesh’s mode alone', () => {
    const objects = [
      pod('cart', root),
      policy('mesh', strict, root),
      policy('w', { selector: { matchLabels: { app: 'cart' } }, ...disable }, root),
    ];
    expect(modeOf(objects, 8080, 'istio-system/cart')).toBe('STRICT');
  });
  test('3 of several workload policies the oldest counts whole: its ports, and not the younger one’s', () => {
    const selector = { matchLabels: { app: 'cart' } };
    const older = policy('b', { selector, portLevelMtls: { 8080: { mode: 'DISABLE' } } }, at(1));
    const younger = policy('a', { selector, ...strict, portLevelMtls: { 9090: { mode: 'STRICT' } } }, at(2));
    expect(modeOf([...base, younger, older], 8080)).toBe('DISABLE');
    expect(modeOf([...base, younger, older], 9090)).toBe('PERMISSIVE');
  });
  test('4 an older policy that says nothing hides a younger STRICT', () => {
    expect(modeOf([...base, policy('a', {}, at(1)), policy('b', strict, at(2))])).toBe('PERMISSIVE');
  });
  test('5 within one second the name decides', () => {
    expect(modeOf([...base, policy('b', disable, at(1)), policy('a', strict, at(1))])).toBe('STRICT');
  });
  test('6 selector: {} and matchLabels: {} are no selector', () => {
    for (const selector of [{}, { matchLabels: {} }]) {
      expect(modeOf([...base, policy('a', { selector, ...strict })])).toBe('STRICT');
      expect(modeOf([...base, policy('a', { selector, ...strict }, root)])).toBe('STRICT');
    }
  });
  test('7 mtls: {} and UNSET inherit', () => {
    for (const spec of [{}, { mtls: {} }, { mtls: { mode: 'UNSET' } }]) {
      expect(modeOf([...base, policy('mesh', strict, root), policy('ns', spec)])).toBe('STRICT');
    }
  });
  test('8 portLevelMtls names the container’s port, not the Service’s', () => {
    const wl = (port: number) =>
      policy('w', {
        selector: { matchLabels: { app: 'cart' } },
        ...strict,
        portLevelMtls: { [port]: { mode: 'DISABLE' } },
      });
    expect(portOf([...base, wl(80)])).toBe('mtls');
    expect(portOf([...base, wl(8080)])).toBe('plaintext');
  });
  test('9 a port at UNSET inherits the mode that was worked out, not the policy’s own field', () => {
    const wl = policy('w', {
      selector: { matchLabels: { app: 'cart' } },
      portLevelMtls: { 8080: { mode: 'UNSET' } },
    });
    expect(modeOf([...base, policy('mesh', strict, root), wl])).toBe('STRICT');
  });
  test('10 a port that nobody declares has its port level, too', () => {
    const wl = policy('w', {
      selector: { matchLabels: { app: 'cart' } },
      ...strict,
      portLevelMtls: { 4321: { mode: 'PERMISSIVE' } },
    });
    expect(portOf([...base, wl], 4321)).toBe('mtls+plaintext');
    expect(portOf([...base, wl], 4322)).toBe('mtls');
  });
  test('11 the closest level wins, whatever its name: DISABLE beats the mesh’s STRICT', () => {
    const wl = policy('default', { selector: { matchLabels: { app: 'cart' } }, ...disable });
    expect(portOf([...base, policy('mesh', strict, root), wl])).toBe('plaintext');
  });
  test('12 a policy for another revision does not count, one for the own does', () => {
    const labelled = (rev: string) => policy('p', strict, { labels: { 'istio.io/rev': rev } });
    const canary = pod('cart', { annotations: { 'sidecar.istio.io/status': '{"revision":"canary"}' } });
    expect(modeOf([canary, service('cart'), labelled('canary')])).toBe('STRICT');
    expect(modeOf([canary, service('cart'), labelled('other')])).toBe('PERMISSIVE');
    expect(modeOf([...base, labelled('other')])).toBe('PERMISSIVE');
  });
  test('13 no policy at all is PERMISSIVE', () => {
    expect(portOf(base)).toBe('mtls+plaintext');
  });
  test('14 gateways’ own listeners do not follow PeerAuthentication', () => {
    const gateway = object(
      'v1',
      'Pod',
      'gw',
      {
        spec: {
          containers: [{ name: 'istio-proxy', args: ['proxy', 'router'], ports: [{ containerPort: 8080 }] }],
        },
        status: { podIP: '10.7.7.7' },
      },
      { labels: { app: 'gw' } },
    );
    const built = meshOf(yaml(gateway, policy('ns', strict)));
    const [workload] = findWorkloads(built, 'shop/gw');
    if (workload === undefined) throw new Error('no gateway');
    expect(workload.dataplane).toBe('gateway');
    expect(inbound(built, workload, 8080)).toMatchObject({ captured: false, plaintext: true });
  });
  test('15 the oldest Service decides a port’s protocol: HTTP has no place for other TLS', () => {
    const tcp = service(
      'old',
      { selector: { app: 'cart' }, ports: [{ name: 'tcp', port: 81, targetPort: 8080 }] },
      at(1),
    );
    const http = service('cart', {}, at(2));
    const simple = rule('r', tls('SIMPLE'));
    expect(call([pod('cart'), pod('front', web), http, simple])).toBe('tls refused');
    expect(call([pod('cart'), pod('front', web), tcp, http, simple])).toBe('tls tls');
  });
  test('of two Services made in one second the first host name decides a port: cart-b.shop comes before cart.shop', () => {
    const bytes = service('cart', { ports: [{ name: 'tcp', port: 80, targetPort: 8080 }] }, at(0));
    const http = service(
      'cart-b',
      { ports: [{ name: 'http', port: 81, targetPort: 8080 }], selector: { app: 'cart' } },
      at(0),
    );
    const simple = rule('r', tls('SIMPLE'));
    // TLS that is not Istio's gets through where the port takes bytes, and not where it takes HTTP.
    const pods = [pod('cart'), pod('front', web), policy('ns', disable), simple];
    expect(call([...pods, bytes])).toBe('tls tls');
    expect(call([...pods, bytes, http])).toBe('tls refused');
    const later = service(
      'cart-b',
      { ports: [{ name: 'http', port: 81, targetPort: 8080 }], selector: { app: 'cart' } },
      at(1),
    );
    expect(call([...pods, bytes, later])).toBe('tls tls');
  });
  test('16, 17 a Sidecar’s ingress declares the ports; without interception only those are listened on', () => {
    const ingress = object('networking.istio.io/v1', 'Sidecar', 's', {
      spec: {
        workloadSelector: { labels: { app: 'cart' } },
        ingress: [{ port: { number: 9999, protocol: 'HTTP', name: 'h' } }],
      },
    });
    const simple = rule('r', tls('SIMPLE'));
    expect(call([...base, ingress, simple])).toBe('tls tls');
    const bare = pod('cart', { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } });
    expect(portOf([bare, service('cart'), policy('ns', strict)])).toBe('plaintext');
    expect(portOf([bare, service('cart'), policy('ns', strict), ingress], 9999)).toBe('mtls');
  });
});

describe('what the client sends', () => {
  test('26, 27 a workload at STRICT in a namespace at DISABLE is sent plaintext and refuses it', () => {
    const wl = policy('w', { selector: { matchLabels: { app: 'cart' } }, ...strict });
    expect(call([...base, policy('ns', disable), wl])).toBe('plaintext refused');
    expect(call([...base, policy('mesh', disable, root), wl])).toBe('plaintext refused');
  });
  test('28 headless: one endpoint without a sidecar turns mutual TLS off for all; else exceptions are not seen', () => {
    const headless = service('cart', { clusterIP: 'None' });
    const bare = pod('cart-2', { sidecar: false, labels: { app: 'cart' } });
    expect(call([pod('cart'), pod('front', web), headless])).toBe('istio-mtls mtls');
    expect(call([pod('cart'), bare, pod('front', web), headless])).toBe('plaintext plaintext');
    const wl = policy('w', { selector: { matchLabels: { app: 'cart' } }, ...disable });
    expect(call([pod('cart'), pod('front', web), headless, wl])).toBe('istio-mtls refused');
    expect(call([...base, wl])).toBe('plaintext plaintext');
  });
  test('29, 30 ISTIO_MUTUAL looks neither at sidecars nor at DISABLE', () => {
    const mutual = rule('r', tls('ISTIO_MUTUAL'));
    expect(call([pod('cart', { sidecar: false }), pod('front', web), service('cart'), mutual])).toBe(
      'istio-mtls refused',
    );
    expect(call([...base, policy('ns', disable), mutual])).toBe('istio-mtls refused');
  });
  test('31 a TLS block without a mode is DISABLE', () => {
    expect(call([...base, policy('ns', strict), rule('r', { trafficPolicy: { tls: {} } })])).toBe(
      'plaintext refused',
    );
  });
  test('32 a port’s entry without tls replaces the top for the connection, and not for the endpoint’s mark', () => {
    const entry = (mode: string) =>
      rule('r', {
        trafficPolicy: { tls: { mode }, portLevelSettings: [{ port: { number: 80 }, connectionPool: {} }] },
      });
    expect(call([...base, entry('DISABLE')])).toBe('plaintext plaintext');
    expect(call([...base, entry('ISTIO_MUTUAL')])).toBe('istio-mtls mtls');
    const wl = policy('w', { selector: { matchLabels: { app: 'cart' } }, ...disable });
    expect(call([...base, entry('ISTIO_MUTUAL'), wl])).toBe('istio-mtls refused');
  });
  test('33 portLevelSettings name the Service’s port', () => {
    const entry = (number: number) =>
      rule('r', { trafficPolicy: { portLevelSettings: [{ port: { number }, tls: { mode: 'DISABLE' } }] } });
    expect(call([...base, entry(8080)])).toBe('istio-mtls mtls');
    expect(call([...base, entry(80)])).toBe('plaintext plaintext');
  });
  test('34 any rule in the client’s namespace that covers the host hides the owner’s', () => {
    const wild = rule('w', { host: '*.local', trafficPolicy: { connectionPool: {} } }, web);
    expect(call([...base, rule('own', tls('DISABLE'))])).toBe('plaintext plaintext');
    expect(call([...base, rule('own', tls('DISABLE')), wild])).toBe('istio-mtls mtls');
  });
  test('35 the closest host is chosen before its export is looked at', () => {
    const near = rule('near', { ...tls('DISABLE'), exportTo: ['other'] });
    const far = rule('far', { host: '*.shop.svc.cluster.local', ...tls('DISABLE') });
    expect(call([...base, far])).toBe('plaintext plaintext');
    expect(call([...base, far, near])).toBe('istio-mtls mtls');
  });
  test('36 a client in the root namespace sees only its private rules before the owner’s', () => {
    const client = pod('client', root);
    const publicRule = rule('r', tls('SIMPLE'), root);
    const objects = [...base, client, rule('own', tls('DISABLE'))];
    expect(call([...objects, publicRule], 'istio-system/client')).toBe('plaintext plaintext');
    expect(
      call([...objects, rule('r', { ...tls('ISTIO_MUTUAL'), exportTo: ['.'] }, root)], 'istio-system/client'),
    ).toBe('istio-mtls mtls');
  });
  test('37 rules of one host: the oldest trafficPolicy with the same export, the newest with another', () => {
    const older = rule('a', tls('DISABLE'), at(1));
    expect(call([...base, older, rule('b', tls('ISTIO_MUTUAL'), at(2))])).toBe('plaintext plaintext');
    const other = rule('b', { ...tls('ISTIO_MUTUAL'), exportTo: ['web'] }, at(2));
    expect(call([...base, older, other])).toBe('istio-mtls mtls');
  });
  test('38 a rule with a workloadSelector is for its own namespace’s clients alone', () => {
    const selecting = (space: Fields) =>
      rule('r', { workloadSelector: { matchLabels: { app: 'front' } }, ...tls('DISABLE') }, space);
    expect(call([...base, selecting(web)])).toBe('plaintext plaintext');
    expect(call([...base, selecting({ namespace: 'shop' })])).toBe('istio-mtls mtls');
  });
  test('39 credentialName on a sidecar, and MUTUAL without certificates, are plaintext', () => {
    const block = (fields: Fields) => rule('r', { trafficPolicy: { tls: fields } });
    expect(call([...base, block({ mode: 'SIMPLE', credentialName: 'x' })])).toBe('plaintext plaintext');
    expect(call([...base, block({ mode: 'MUTUAL' })])).toBe('plaintext plaintext');
    expect(call([...base, block({ mode: 'SIMPLE', credentialName: 'configmap://x' })])).toBe('tls refused');
  });
  test('41 what the client’s proxy does not know goes out as plaintext', () => {
    const sidecar = object(
      'networking.istio.io/v1',
      'Sidecar',
      's',
      { spec: { egress: [{ hosts: ['./*'] }] } },
      web,
    );
    expect(call([...base, sidecar, policy('ns', strict)])).toBe('plaintext refused');
    const hidden = service('cart', {}, { annotations: { 'networking.istio.io/exportTo': '.' } });
    expect(call([pod('cart'), pod('front', web), hidden, policy('ns', strict)])).toBe('plaintext refused');
    const closed = mesh('outboundTrafficPolicy: {mode: REGISTRY_ONLY}');
    expect(call([...base, sidecar, closed])).toBe('plaintext refused');
  });
  test('41 a VirtualService brings clusters along, not routes; what an HTTP listener on port 80 does with names it does not know', () => {
    const egress = (...listeners: readonly Fields[]) =>
      object('networking.istio.io/v1', 'Sidecar', 's', { spec: { egress: listeners } }, web);
    const http = (name: string, number: number, meta: Fields = {}) =>
      service(name, { ports: [{ name: 'http', port: number, targetPort: 8080 }] }, meta);
    const virtual = (hosts: readonly string[], to: string) =>
      object(
        'networking.istio.io/v1',
        'VirtualService',
        'v',
        { spec: { hosts, http: [{ route: [{ destination: { host: to } }] }] } },
        web,
      );
    const cart = 'cart.shop.svc.cluster.local';
    const own = egress({ hosts: ['./*'] });
    const pods = [pod('cart'), pod('front', web), pod('other', web), policy('ns', strict)];
    const on = (number: number, ...more: readonly Fields[]) =>
      call(
        [...pods, http('cart', number), http('other', number, web), own, ...more],
        'web/front',
        cart,
        number,
      );
    // A destination of an imported VirtualService: the client has its cluster and no route of its own to it.
    expect(on(80, virtual(['other'], cart))).toBe('plaintext refused');
    // The VirtualService names the host itself: port 80 has a route for it, others only beside a host that is known there.
    expect(on(80, virtual([cart], cart))).toBe('istio-mtls mtls');
    expect(on(81, virtual([cart], cart))).toBe('plaintext refused');
    expect(on(81, virtual([cart, 'other'], cart))).toBe('istio-mtls mtls');
    // Nobody listens on port 80 for the client.
    expect(call([...pods, http('cart', 80), own, virtual([cart], cart)], 'web/front', cart)).toBe(
      'plaintext refused',
    );
    // An egress listener that is declared as HTTP has no route for bytes.
    const listener = (protocol: string) =>
      egress({ port: { number: 80, protocol, name: 'e' }, hosts: ['*/*'] }, { hosts: ['./*'] });
    const bytes = service('cart', { ports: [{ name: 'tcp', port: 80, targetPort: 8080 }] });
    expect(call([...pods, bytes, listener('HTTP')], 'web/front', cart)).toBe('plaintext refused');
    expect(call([...pods, bytes, listener('TCP')], 'web/front', cart)).toBe('istio-mtls mtls');
  });
  test('discoverySelectors: a namespace that is left out is unknown, its policies too, the root namespace no exception', () => {
    const space = (name: string, labels: Fields = {}): Fields => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
    const selectors = mesh('discoverySelectors: [{matchLabels: {mesh: "yes"}}]');
    const within = { mesh: 'yes' };
    const spaces = (shop: Fields, system: Fields) => [
      space('shop', shop),
      space('web', within),
      space('istio-system', system),
    ];
    const meshWide = policy('mesh', strict, root);
    expect(call([...base, selectors, meshWide, ...spaces(within, within)])).toBe('istio-mtls mtls');
    expect(modeOf([...base, selectors, meshWide, ...spaces(within, within)])).toBe('STRICT');
    expect(modeOf([...base, selectors, meshWide, ...spaces(within, {})])).toBe('PERMISSIVE');
    expect(call([...base, selectors, meshWide, ...spaces({}, within)])).toBe('plaintext refused');
  });
  test('42, 43 ServiceEntries: external by default; inside, a service account or the label stands for a sidecar', () => {
    const entry = (spec: Fields, endpoint: Fields = {}) =>
      object('networking.istio.io/v1', 'ServiceEntry', 'e', {
        spec: {
          hosts: ['x.example'],
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          resolution: 'STATIC',
          endpoints: [{ address: '10.8.8.8', ...endpoint }],
          ...spec,
        },
      });
    const to = (spec: Fields, endpoint?: Fields) =>
      call([pod('front', web), entry(spec, endpoint)], 'web/front', 'x.example');
    expect(to({}, { serviceAccount: 'x' })).toBe('plaintext plaintext');
    expect(to({ location: 'MESH_INTERNAL' }, { serviceAccount: 'x' })).toBe('istio-mtls mtls');
    expect(to({ location: 'MESH_INTERNAL' })).toBe('plaintext plaintext');
    expect(to({ location: 'MESH_INTERNAL' }, { labels: { 'security.istio.io/tlsMode': 'istio' } })).toBe(
      'istio-mtls mtls',
    );
  });
  test('44 an alias is the host that it names; a rule for the alias counts for nothing', () => {
    const alias = object(
      'v1',
      'Service',
      'alias',
      {
        spec: {
          type: 'ExternalName',
          externalName: 'cart.shop.svc.cluster.local',
          ports: [{ name: 'http', port: 80 }],
        },
      },
      web,
    );
    const to = (...more: readonly Fields[]) =>
      call([...base, alias, ...more], 'web/front', 'alias.web.svc.cluster.local');
    expect(to(rule('r', { host: 'alias.web.svc.cluster.local', ...tls('DISABLE') }))).toBe('istio-mtls mtls');
    expect(to(rule('r', tls('DISABLE')))).toBe('plaintext plaintext');
  });
  test('45 the tlsMode label is taken at its word, both ways', () => {
    const label = (value: string, sidecar: boolean) => [
      pod('cart', { sidecar, labels: { 'security.istio.io/tlsMode': value } }),
      pod('front', web),
      service('cart'),
      policy('ns', strict),
    ];
    expect(call(label('disabled', true))).toBe('plaintext refused');
    expect(call(label('istio', false))).toBe('istio-mtls refused');
  });
  test('46 an excluded port: STRICT does not hold there, and clients send mutual TLS all the same', () => {
    const excluded = (annotations: Fields) => [
      pod('cart', { annotations }),
      pod('front', web),
      service('cart'),
      policy('ns', strict),
    ];
    const exclude = { 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' };
    expect(portOf(excluded(exclude))).toBe('plaintext');
    expect(call(excluded(exclude))).toBe('istio-mtls refused');
    expect(portOf(excluded({ ...exclude, 'traffic.sidecar.istio.io/includeInboundPorts': '8080' }))).toBe(
      'mtls',
    );
    expect(portOf(excluded({ 'traffic.sidecar.istio.io/includeInboundPorts': '' }))).toBe('plaintext');
  });
  test('47, 48 who gets a sidecar: label, not annotation; the namespace’s no; never the host’s network', () => {
    const namespace = (labels: Fields): Fields => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels },
    });
    const deployment = (meta: Fields, spec: Fields = {}): Fields =>
      object('apps/v1', 'Deployment', 'cart', {
        spec: {
          template: {
            metadata: { labels: { app: 'cart', ...(meta.labels as Fields) }, annotations: meta.annotations },
            spec: { containers: [{ name: 'app', ports: [{ containerPort: 8080 }] }], ...spec },
          },
        },
      });
    const plane = (...objects: readonly Fields[]) =>
      findWorkloads(meshOf(yaml(...objects)), 'shop/cart')[0]?.dataplane;
    const inject = 'sidecar.istio.io/inject';
    expect(plane(namespace({}), deployment({ labels: { [inject]: 'true' } }))).toBe('sidecar');
    expect(plane(namespace({}), deployment({ annotations: { [inject]: 'true' } }))).toBe('none');
    expect(
      plane(namespace({ 'istio-injection': 'enabled' }), deployment({ annotations: { [inject]: 'false' } })),
    ).toBe('none');
    expect(
      plane(namespace({ 'istio-injection': 'disabled' }), deployment({ labels: { [inject]: 'true' } })),
    ).toBe('none');
    expect(plane(namespace({ 'istio-injection': 'enabled' }), deployment({}, { hostNetwork: true }))).toBe(
      'none',
    );
    expect(plane(namespace({ 'istio.io/rev': 'canary' }), deployment({}))).toBe('sidecar');
  });
  test('51 auto mutual TLS can be off; the root namespace may have another name; revisions have mesh configs of their own', () => {
    expect(call([...base, mesh('enableAutoMtls: false')])).toBe('plaintext plaintext');
    expect(modeOf([...base, mesh('rootNamespace: top'), policy('p', strict, { namespace: 'top' })])).toBe(
      'STRICT',
    );
    expect(modeOf([...base, mesh('rootNamespace: top'), policy('p', strict, root)])).toBe('PERMISSIVE');
    const canary = pod('front', {
      ...web,
      annotations: { 'sidecar.istio.io/status': '{"revision":"canary"}' },
    });
    expect(
      call([pod('cart'), service('cart'), canary, mesh('{}'), mesh('enableAutoMtls: false', 'istio-canary')]),
    ).toBe('plaintext plaintext');
  });
});

describe('ambient', () => {
  const ambient = (name: string, namespace = 'shop') =>
    pod(name, { namespace, sidecar: false, annotations: { 'ambient.istio.io/redirection': 'enabled' } });
  const selector = { matchLabels: { app: 'cart' } };
  test('57 selector: {} in the root namespace reaches no ambient workload elsewhere', () => {
    expect(portOf([ambient('cart'), policy('mesh', { selector: {}, ...strict }, root)])).toBe(
      'mtls+plaintext',
    );
    expect(portOf([ambient('cart'), policy('mesh', strict, root)])).toBe('mtls');
  });
  test('58, 59 port-level exceptions under an inherited STRICT', () => {
    const ports = (mode: string) => policy('w', { selector, portLevelMtls: { 8080: { mode } } });
    expect(portOf([ambient('cart'), policy('mesh', strict, root), ports('DISABLE')])).toBe('mtls');
    expect(portOf([ambient('cart'), policy('mesh', strict, root), ports('PERMISSIVE')])).toBe(
      'mtls+plaintext',
    );
    const open = [ambient('cart'), policy('mesh', strict, root), policy('ns', {}), ports('PERMISSIVE')];
    expect(portOf(open, 9999)).toBe('mtls+plaintext');
  });
  test('60 DISABLE disables nothing', () => {
    expect(portOf([ambient('cart'), policy('ns', disable)])).toBe('mtls+plaintext');
    expect(call([ambient('cart'), ambient('front', 'web'), service('cart'), policy('ns', disable)])).toBe(
      'istio-mtls mtls',
    );
  });
  test('61 ambient clients send plaintext to sidecars', () => {
    expect(call([pod('cart'), ambient('front', 'web'), service('cart'), policy('ns', strict)])).toBe(
      'plaintext refused',
    );
  });
  test('62, 63 a sidecar tunnels to ambient pods whatever a rule says, but not to a headless Service of them', () => {
    expect(call([ambient('cart'), pod('front', web), service('cart'), rule('r', tls('DISABLE'))])).toBe(
      'istio-mtls mtls',
    );
    const headless = service('cart', { clusterIP: 'None' });
    expect(call([ambient('cart'), pod('front', web), headless, policy('ns', strict)])).toBe(
      'plaintext refused',
    );
  });
  test('plaintext from outside the mesh is refused under STRICT', () => {
    expect(
      call([
        ambient('cart'),
        pod('front', { ...web, sidecar: false }),
        service('cart'),
        policy('ns', strict),
      ]),
    ).toBe('plaintext refused');
  });
});

describe('pods of one workload in several zones', () => {
  const zone = (name: string): Fields => ({ 'topology.kubernetes.io/zone': name, app: 'web' });
  const owner = (one: Fields): Fields => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', controller: true }];
    return { ...one, metadata: { ...(one.metadata as Fields), ownerReferences } };
  };
  const pods = [pod('web-0', { labels: zone('a') }), pod('web-1', { labels: zone('b') })].map(owner);

  test('are one workload: the API server labels each pod with its node’s zone since 1.35', () => {
    expect(meshOf(yaml(...pods)).workloads.map(({ id }) => id)).toEqual(['shop/StatefulSet/web']);
  });

  test('are told apart where a policy selects by zone', () => {
    const selective = object('security.istio.io/v1', 'PeerAuthentication', 'zone-a', {
      spec: {
        selector: { matchLabels: { 'topology.kubernetes.io/zone': 'a' } },
        mtls: { mode: 'STRICT' },
      },
    });
    const mesh = meshOf(yaml(...pods, selective));
    expect(mesh.workloads.map((one) => effectiveMode(mesh, one, 8080).mode).sort()).toEqual([
      'PERMISSIVE',
      'STRICT',
    ]);
  });
});

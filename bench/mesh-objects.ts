/**
 * A mesh of any size as Kubernetes objects, always the same for the same size: five pods a service, ten services a
 * namespace, policies in mesh, namespace, workload and port scope, DestinationRules, and some pods without a sidecar.
 */
import { fullPod } from './full-pod.ts';

type Json = Readonly<Record<string, unknown>>;

/** `short`: pods with the fields that matter. `full`: pods as an API server with Istio's injection prints them. */
export type PodStyle = 'short' | 'full';

const podsOfService = 5;
const servicesOfNamespace = 10;
export const meshOrigin = '2026-01-01T00:00:00Z';

export function* meshObjects(pods: number, style: PodStyle): Generator<Json> {
  const chance = randomNumbers(1);
  yield { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } };
  yield {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh: 'rootNamespace: istio-system\ntrustDomain: cluster.local\n' },
  };
  yield policy('default', 'istio-system', { mtls: { mode: 'PERMISSIVE' } });
  for (let index = 0; index < Math.max(1, Math.floor(pods / podsOfService)); index++) {
    yield* serviceObjects(index, style, chance);
  }
}

function* serviceObjects(index: number, style: PodStyle, chance: () => number): Generator<Json> {
  const namespace = `team-${pad(Math.floor(index / servicesOfNamespace), 3)}`;
  const app = `svc-${pad(index % servicesOfNamespace, 2)}`;
  if (index % servicesOfNamespace === 0) yield* namespaceObjects(namespace, chance);
  if (chance() < 0.15) {
    const mode = chance() < 0.5 ? 'DISABLE' : 'PERMISSIVE';
    const selector = { matchLabels: { app } };
    yield policy(app, namespace, { selector, mtls: { mode: 'STRICT' }, portLevelMtls: { 9090: { mode } } });
  }
  if (chance() < 0.1) yield destinationRule(app, namespace, chance() < 0.5 ? 'ISTIO_MUTUAL' : 'DISABLE');
  yield service(app, namespace, index);
  const endpoints: Json[] = [];
  const sidecar = chance() < 0.95;
  for (let replica = 0; replica < podsOfService; replica++) {
    const number = index * podsOfService + replica;
    const ip = `10.${128 + Math.floor(number / 62500)}.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;
    const name = `${app}-${replica}`;
    const pod = { namespace, app, name, ip, sidecar };
    yield style === 'full' ? fullPod({ ...pod, number }) : shortPod(pod);
    endpoints.push({
      addresses: [ip],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name, namespace },
    });
  }
  yield endpointSlice(app, namespace, endpoints);
}

function* namespaceObjects(namespace: string, chance: () => number): Generator<Json> {
  const labels = { 'istio-injection': 'enabled' };
  yield { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
  if (chance() < 0.7) {
    yield policy('default', namespace, { mtls: { mode: chance() < 0.66 ? 'STRICT' : 'PERMISSIVE' } });
  }
}

export function policy(name: string, namespace: string, spec: Json): Json {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace, creationTimestamp: meshOrigin },
    spec,
  };
}

function destinationRule(app: string, namespace: string, mode: string): Json {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: app, namespace, creationTimestamp: meshOrigin },
    spec: { host: `${app}.${namespace}.svc.cluster.local`, trafficPolicy: { tls: { mode } } },
  };
}

function service(app: string, namespace: string, index: number): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: app, namespace },
    spec: {
      clusterIP: `10.96.${Math.floor(index / 250)}.${(index % 250) + 1}`,
      selector: { app },
      ports: [
        { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 },
        { name: 'http-metrics', port: 9090, protocol: 'TCP', targetPort: 9090 },
      ],
    },
  };
}

export interface PodFacts {
  readonly namespace: string;
  readonly app: string;
  readonly name: string;
  readonly ip: string;
  readonly sidecar: boolean;
}

function shortPod({ namespace, app, name, ip, sidecar }: PodFacts): Json {
  const labels = { app, version: 'v1' };
  const application = {
    name: app,
    image: 'example/app',
    ports: [{ containerPort: 8080 }, { containerPort: 9090 }],
  };
  const proxy = { name: 'istio-proxy', image: 'example/proxyv2', args: ['proxy', 'sidecar'] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: sidecar ? { ...labels, 'security.istio.io/tlsMode': 'istio' } : labels,
      ...(sidecar ? { annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } } : {}),
    },
    spec: { serviceAccountName: app, containers: sidecar ? [application, proxy] : [application] },
    status: { phase: 'Running', podIP: ip, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function endpointSlice(app: string, namespace: string, endpoints: readonly Json[]): Json {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${app}-1`, namespace, labels: { 'kubernetes.io/service-name': app } },
    addressType: 'IPv4',
    endpoints,
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'http-metrics', port: 9090, protocol: 'TCP' },
    ],
  };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** The same numbers from the same seed (mulberry32), between 0 and 1. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

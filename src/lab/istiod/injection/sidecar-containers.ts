/** The containers and volumes that injection adds (manifests/charts/istio-control/.../injection-template.yaml). */
import type { Fields, StringMap } from '../../../istio/fields.ts';
import { istioHub, istioVersion } from '../../istio-version.ts';
import type { PodIdentity } from './pod-identity.ts';
import { proxyConfigOf } from './proxy-config-annotation.ts';

export interface ProxyContainerOptions {
  readonly identity: PodIdentity;
  readonly annotations: StringMap;
  /** An init container that keeps running, instead of an ordinary container. */
  readonly native: boolean;
  readonly trustDomain: string;
  /** By path on 15020; see probe-rewrite.ts. */
  readonly probers: Fields;
}

const proxyUser = 1337;

const resources = {
  limits: { cpu: '2', memory: '1Gi' },
  requests: { cpu: '100m', memory: '128Mi' },
} as const;

function imageOf(annotations: StringMap): string {
  return annotations['sidecar.istio.io/proxyImage'] ?? `${istioHub}/proxyv2:${istioVersion}`;
}

/** Redirects the pod's traffic to the proxy; in the lab the kubelet's network does that and this container is for show. */
export function istioInit(annotations: StringMap): Fields {
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const excludedIn = ['15090', '15021', '15020', ...(of('excludeInboundPorts')?.split(',') ?? [])];
  return {
    name: 'istio-init',
    image: imageOf(annotations),
    args: [
      'istio-iptables',
      '-p',
      '15001',
      '-z',
      '15006',
      '-u',
      String(proxyUser),
      '-m',
      annotations['sidecar.istio.io/interceptionMode'] ?? 'REDIRECT',
      '-i',
      of('includeOutboundIPRanges') ?? '*',
      '-x',
      of('excludeOutboundIPRanges') ?? '',
      '-b',
      of('includeInboundPorts') ?? '*',
      '-d',
      excludedIn.join(','),
      ...(of('excludeOutboundPorts') === undefined ? [] : ['-o', of('excludeOutboundPorts') ?? '']),
      '--log_output_level=default:info',
    ],
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: false,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}

export function istioProxy(options: ProxyContainerOptions): Fields {
  const { annotations, native } = options;
  return {
    name: 'istio-proxy',
    image: imageOf(annotations),
    args: [
      'proxy',
      'sidecar',
      '--domain',
      '$(POD_NAMESPACE).svc.cluster.local',
      '--proxyLogLevel=warning',
      '--proxyComponentLogLevel=misc:error',
      '--log_output_level=default:info',
    ],
    ports: [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
    env: environment(options),
    resources,
    readinessProbe: readiness({ periodSeconds: 15, failureThreshold: 4 }),
    startupProbe: readiness({ periodSeconds: 1, failureThreshold: 600 }),
    ...(native ? { restartPolicy: 'Always' } : {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: proxyUser,
      runAsNonRoot: true,
      runAsUser: proxyUser,
    },
    volumeMounts: [
      { mountPath: '/var/run/secrets/workload-spiffe-uds', name: 'workload-socket' },
      { mountPath: '/var/run/secrets/credential-uds', name: 'credential-socket' },
      { mountPath: '/var/run/secrets/workload-spiffe-credentials', name: 'workload-certs' },
      { mountPath: '/var/run/secrets/istio', name: 'istiod-ca-cert' },
      { mountPath: '/var/lib/istio/data', name: 'istio-data' },
      { mountPath: '/etc/istio/proxy', name: 'istio-envoy' },
      { mountPath: '/var/run/secrets/tokens', name: 'istio-token' },
      { mountPath: '/etc/istio/pod', name: 'istio-podinfo' },
    ],
  };
}

function readiness(timing: Fields): Fields {
  return {
    httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
    timeoutSeconds: 3,
    successThreshold: 1,
    ...timing,
  };
}

function environment({
  identity,
  annotations,
  trustDomain,
  probers,
}: ProxyContainerOptions): readonly Fields[] {
  const field = (name: string, fieldPath: string): Fields => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
  });
  const text = (name: string, value: string): Fields => ({ name, value });
  return [
    text('PILOT_CERT_PROVIDER', 'istiod'),
    text('CA_ADDR', 'istiod.istio-system.svc:15012'),
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('INSTANCE_IP', 'status.podIP'),
    field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    text('PROXY_CONFIG', `${JSON.stringify(proxyConfigOf(annotations))}\n`),
    text('ISTIO_META_POD_PORTS', JSON.stringify(identity.ports, null, 4)),
    text('ISTIO_META_APP_CONTAINERS', identity.containers.join(',')),
    text('ISTIO_META_CLUSTER_ID', 'Kubernetes'),
    field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    text('ISTIO_META_INTERCEPTION_MODE', annotations['sidecar.istio.io/interceptionMode'] ?? 'REDIRECT'),
    text('ISTIO_META_WORKLOAD_NAME', identity.workload),
    text('ISTIO_META_OWNER', identity.owner),
    text('ISTIO_META_MESH_ID', trustDomain),
    text('TRUST_DOMAIN', trustDomain),
    ...(Object.keys(probers).length === 0 ? [] : [text('ISTIO_KUBE_APP_PROBERS', JSON.stringify(probers))]),
  ];
}

export const sidecarVolumes = [
  { name: 'workload-socket', emptyDir: {} },
  { name: 'credential-socket', emptyDir: {} },
  { name: 'workload-certs', emptyDir: {} },
  { name: 'istio-envoy', emptyDir: { medium: 'Memory' } },
  { name: 'istio-data', emptyDir: {} },
  {
    name: 'istio-podinfo',
    downwardAPI: {
      items: [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
      ],
    },
  },
  {
    name: 'istio-token',
    projected: {
      sources: [
        { serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } },
      ],
    },
  },
  { name: 'istiod-ca-cert', configMap: { name: 'istio-ca-root-cert' } },
] as const;

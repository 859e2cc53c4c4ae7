/** A pod with all that an API server and Istio's injection put into it, some 270 lines of YAML. */
import type { PodFacts } from './mesh-objects.ts';

type Json = Readonly<Record<string, unknown>>;

const started = '2026-01-03T08:15:11Z';

export function fullPod(pod: PodFacts & { readonly number: number }): Json {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(pod),
    spec: spec(pod),
    status: status(pod),
  };
}

function hex(number: number, length: number): string {
  return Math.imul(number + 1, 0x9e3779b1)
    .toString(16)
    .replace('-', '')
    .repeat(4)
    .slice(0, length);
}

function metadata({ namespace, app, name, number, sidecar }: PodFacts & { readonly number: number }): Json {
  const hash = hex(number / 5, 10);
  const sidecarNames = [
    'workload-socket',
    'credential-socket',
    'workload-certs',
    'istio-envoy',
    'istio-data',
  ];
  const injection = {
    initContainers: ['istio-init', 'istio-proxy'],
    containers: null,
    volumes: [...sidecarNames, 'istio-podinfo', 'istio-token', 'istiod-ca-cert'],
    imagePullSecrets: null,
    revision: 'default',
  };
  const annotations = {
    'istio.io/rev': 'default',
    'kubectl.kubernetes.io/default-container': app,
    'kubectl.kubernetes.io/default-logs-container': app,
    'prometheus.io/path': '/stats/prometheus',
    'prometheus.io/port': '15020',
    'prometheus.io/scrape': 'true',
    'sidecar.istio.io/status': JSON.stringify(injection),
  };
  const meshLabels = {
    'security.istio.io/tlsMode': 'istio',
    'service.istio.io/canonical-name': app,
    'service.istio.io/canonical-revision': 'v1',
  };
  return {
    annotations: sidecar ? annotations : { 'example.com/team': namespace },
    creationTimestamp: started,
    generateName: `${app}-${hash}-`,
    labels: { app, 'pod-template-hash': hash, version: 'v1', ...(sidecar ? meshLabels : {}) },
    name,
    namespace,
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        blockOwnerDeletion: true,
        controller: true,
        kind: 'ReplicaSet',
        name: `${app}-${hash}`,
        uid: uid(number / 5),
      },
    ],
    resourceVersion: String(100_000 + number),
    uid: uid(number + 0.5),
  };
}

function uid(number: number): string {
  const digits = hex(number, 32);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}

function spec({ app, sidecar, number }: PodFacts & { readonly number: number }): Json {
  const token = `kube-api-access-${hex(number, 5)}`;
  return {
    containers: [application(app, token)],
    ...(sidecar ? { initContainers: [istioInit(token), istioProxy(app, token)] } : {}),
    dnsPolicy: 'ClusterFirst',
    enableServiceLinks: true,
    nodeName: `node-${number % 200}.example.internal`,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: 0,
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    serviceAccount: app,
    serviceAccountName: app,
    terminationGracePeriodSeconds: 30,
    tolerations: ['not-ready', 'unreachable'].map((state) => ({
      effect: 'NoExecute',
      key: `node.kubernetes.io/${state}`,
      operator: 'Exists',
      tolerationSeconds: 300,
    })),
    volumes: volumes(token, sidecar),
  };
}

function common(token: string): Json {
  return {
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    volumeMounts: [
      { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: token, readOnly: true },
    ],
  };
}

function application(app: string, token: string): Json {
  return {
    ...common(token),
    name: app,
    image: `registry.example.com/team/${app}:v1.4.2`,
    env: [
      { name: 'JAVA_TOOL_OPTIONS', value: '-XX:MaxRAMPercentage=75 -Dfile.encoding=UTF-8' },
      {
        name: 'DATABASE_PASSWORD',
        valueFrom: { secretKeyRef: { key: 'password', name: `${app}-database` } },
      },
    ],
    livenessProbe: probe('/healthz/live', 8080, 3),
    readinessProbe: probe('/healthz/ready', 8080, 3),
    ports: [
      { containerPort: 8080, name: 'http', protocol: 'TCP' },
      { containerPort: 9090, name: 'http-metrics', protocol: 'TCP' },
    ],
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '250m', memory: '512Mi' } },
  };
}

function probe(path: string, port: number, failureThreshold: number): Json {
  return {
    failureThreshold,
    httpGet: { path, port, scheme: 'HTTP' },
    periodSeconds: 10,
    successThreshold: 1,
    timeoutSeconds: 3,
  };
}

const proxySecurity: Json = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsGroup: 1337,
  runAsNonRoot: true,
  runAsUser: 1337,
};
const proxyResources: Json = {
  limits: { cpu: '2', memory: '1Gi' },
  requests: { cpu: '100m', memory: '128Mi' },
};
const proxyImage = 'docker.io/istio/proxyv2:1.30.0';

function istioInit(token: string): Json {
  return {
    ...common(token),
    name: 'istio-init',
    image: proxyImage,
    args: [
      'istio-iptables',
      '-p',
      '15001',
      '-z',
      '15006',
      '-u',
      '1337',
      '-m',
      'REDIRECT',
      '-i',
      '*',
      '-x',
      '',
      '-b',
      '*',
    ],
    resources: proxyResources,
    securityContext: { ...proxySecurity, capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] } },
  };
}

function istioProxy(app: string, token: string): Json {
  const field = (name: string, fieldPath: string) => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
  });
  const mounts = ['workload-spiffe-uds', 'credential-uds', 'istio', 'tokens'].map((name) => ({
    mountPath: `/var/run/secrets/${name}`,
    name,
  }));
  return {
    ...common(token),
    name: 'istio-proxy',
    image: proxyImage,
    args: ['proxy', 'sidecar', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel=warning'],
    env: [
      { name: 'PILOT_CERT_PROVIDER', value: 'istiod' },
      { name: 'CA_ADDR', value: 'istiod.istio-system.svc:15012' },
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('INSTANCE_IP', 'status.podIP'),
      field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
      field('HOST_IP', 'status.hostIP'),
      { name: 'PROXY_CONFIG', value: '{}\n' },
      {
        name: 'ISTIO_META_POD_PORTS',
        value:
          '[\n    {"name":"http","containerPort":8080,"protocol":"TCP"}\n    ,{"name":"http-metrics","containerPort":9090}\n]',
      },
      { name: 'ISTIO_META_APP_CONTAINERS', value: app },
      { name: 'ISTIO_META_CLUSTER_ID', value: 'Kubernetes' },
      field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
      { name: 'ISTIO_META_INTERCEPTION_MODE', value: 'REDIRECT' },
      { name: 'ISTIO_META_WORKLOAD_NAME', value: app },
      { name: 'ISTIO_META_MESH_ID', value: 'cluster.local' },
      { name: 'TRUST_DOMAIN', value: 'cluster.local' },
    ],
    lifecycle: {
      preStop: { exec: { command: ['pilot-agent', 'request', '--debug-port=15020', 'POST', 'drain'] } },
    },
    ports: [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
    readinessProbe: probe('/healthz/ready', 15021, 4),
    startupProbe: probe('/healthz/ready', 15021, 600),
    resources: proxyResources,
    restartPolicy: 'Always',
    securityContext: proxySecurity,
    volumeMounts: [...mounts, { mountPath: '/etc/istio/pod', name: 'istio-podinfo' }],
  };
}

function volumes(token: string, sidecar: boolean): readonly Json[] {
  const projected = {
    name: token,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      ],
    },
  };
  if (!sidecar) return [projected];
  return [
    ...['workload-socket', 'credential-socket', 'workload-certs', 'istio-data'].map((name) => ({
      emptyDir: {},
      name,
    })),
    { emptyDir: { medium: 'Memory' }, name: 'istio-envoy' },
    {
      downwardAPI: {
        defaultMode: 420,
        items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.labels' }, path: 'labels' }],
      },
      name: 'istio-podinfo',
    },
    { configMap: { defaultMode: 420, name: 'istio-ca-root-cert' }, name: 'istiod-ca-cert' },
    projected,
  ];
}

function status({ app, ip, sidecar, number }: PodFacts & { readonly number: number }): Json {
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  const running = (name: string, image: string) => ({
    containerID: `containerd://${hex(number, 32)}${hex(number + 1, 32)}`,
    image,
    imageID: `${image}@sha256:${hex(number + 2, 32)}`,
    lastState: {},
    name,
    ready: true,
    restartCount: 0,
    started: true,
    state: { running: { startedAt: started } },
  });
  return {
    conditions: conditions.map((type) => ({
      lastProbeTime: null,
      lastTransitionTime: started,
      status: 'True',
      type,
    })),
    containerStatuses: [running(app, `registry.example.com/team/${app}:v1.4.2`)],
    ...(sidecar
      ? { initContainerStatuses: [running('istio-init', proxyImage), running('istio-proxy', proxyImage)] }
      : {}),
    hostIP: '192.0.2.10',
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    qosClass: 'Burstable',
    startTime: started,
  };
}

/** Each kind that people use, created without being stored: what the server fills in, and what it refuses. */
import { type Step, type StepGroup, send, tried } from './step.ts';

const ns = 'conf-kinds';
const core = `/api/v1/namespaces/${ns}`;
const apps = `/apis/apps/v1/namespaces/${ns}`;
const batch = `/apis/batch/v1/namespaces/${ns}`;
const labels = { app: 'a' };

type Fields = Readonly<Record<string, unknown>>;

const object = (apiVersion: string, kind: string, fields: Fields, metadata: Fields = {}): Fields => ({
  apiVersion,
  kind,
  metadata: { name: 'a', ...metadata },
  ...fields,
});
const container: Fields = { name: 'c', image: 'example.com/c' };
const template = (spec: Fields = { containers: [container] }): Fields => ({ metadata: { labels }, spec });
const pod = (name: string, spec: Fields, metadata: Fields = {}): Step =>
  tried(`pod: ${name}`, `${core}/pods`, object('v1', 'Pod', { spec }, metadata));
const service = (name: string, spec: Fields): Step =>
  tried(`service: ${name}`, `${core}/services`, object('v1', 'Service', { spec }));
const workload = (kind: string, plural: string, name: string, spec: Fields): Step =>
  tried(`${kind}: ${name}`, `${apps}/${plural}`, object('apps/v1', kind, { spec }));

const pods: readonly Step[] = [
  pod('the least', { containers: [container] }),
  pod('no containers', {}),
  pod('empty containers', { containers: [] }),
  pod('no image and no name', { containers: [{}] }),
  pod('two of one name', { containers: [container, container] }),
  pod('names that are none', { containers: [{ ...container, name: 'Not_Ok' }] }),
  pod('ports', {
    containers: [
      {
        ...container,
        image: 'x:latest',
        ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP', name: 'dns' }],
      },
    ],
  }),
  pod('a port out of range', { containers: [{ ...container, ports: [{ containerPort: 70_000 }] }] }),
  pod('a port name too long', {
    containers: [{ ...container, ports: [{ containerPort: 1, name: 'sixteen-letters-x' }] }],
  }),
  pod('two ports of one name', {
    containers: [
      {
        ...container,
        ports: [
          { containerPort: 1, name: 'p' },
          { containerPort: 2, name: 'p' },
        ],
      },
    ],
  }),
  pod('an unknown protocol', {
    containers: [{ ...container, ports: [{ containerPort: 1, protocol: 'ICMP' }] }],
  }),
  pod('probes', {
    containers: [
      {
        ...container,
        livenessProbe: { httpGet: { port: 80 } },
        readinessProbe: { tcpSocket: { port: 'x' } },
        startupProbe: { exec: { command: ['true'] } },
      },
    ],
  }),
  pod('a probe without a handler', { containers: [{ ...container, livenessProbe: {} }] }),
  pod('a probe with two handlers', {
    containers: [{ ...container, livenessProbe: { tcpSocket: { port: 1 }, exec: { command: ['true'] } } }],
  }),
  pod('resources', {
    containers: [{ ...container, resources: { limits: { cpu: '0.5', memory: '1Gi' } } }],
  }),
  pod('a request above its limit', {
    containers: [{ ...container, resources: { requests: { cpu: '2' }, limits: { cpu: 1 } } }],
  }),
  pod('a quantity that is none', { containers: [{ ...container, resources: { limits: { cpu: 'much' } } }] }),
  pod('environment', {
    containers: [
      {
        ...container,
        env: [
          { name: 'A', value: '1' },
          { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'C', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        ],
      },
    ],
  }),
  pod('a variable from two places', {
    containers: [
      {
        ...container,
        env: [{ name: 'A', value: '1', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      },
    ],
  }),
  pod('volumes', {
    containers: [
      {
        ...container,
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 's', mountPath: '/s' },
        ],
      },
    ],
    volumes: [
      { name: 'v' },
      { name: 's', secret: { secretName: 's' } },
      { name: 'm', configMap: { name: 'm' } },
    ],
  }),
  pod('a mount of no volume', {
    containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
  }),
  pod('an init container and a sidecar', {
    containers: [container],
    initContainers: [
      { name: 'i', image: 'i' },
      { name: 's', image: 's', restartPolicy: 'Always' },
    ],
  }),
  pod('an unknown restart policy', { containers: [container], restartPolicy: 'Sometimes' }),
  pod('the host’s network', {
    hostNetwork: true,
    containers: [{ ...container, ports: [{ containerPort: 80 }] }],
  }),
  pod('a security context', {
    securityContext: { runAsUser: 1, runAsNonRoot: true },
    containers: [{ ...container, securityContext: { privileged: true, readOnlyRootFilesystem: true } }],
  }),
  // One mistake only: the server tells those of one map in an order that changes from run to run.
  pod('labels that are none', { containers: [container] }, { labels: { ok: 'not ok' } }),
  pod('annotations that are none', { containers: [container] }, { annotations: { 'a b': 'c' } }),
  pod('a name too long', { containers: [container] }, { name: 'a'.repeat(254) }),
  pod('a generated name', { containers: [container] }, { name: undefined, generateName: 'Bad_' }),
  pod('no such service account', { containers: [container], serviceAccountName: 'nobody' }),
  pod('no such priority class', { containers: [container], priorityClassName: 'nothing' }),
  pod('tolerations', {
    containers: [container],
    tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }],
  }),
  pod(
    'an owner without a uid',
    { containers: [container] },
    {
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x' }],
    },
  ),
  pod('a field of the wrong type', { containers: { name: 'c' } }),
  pod('unknown fields, warned of', { containers: [{ ...container, imag: 'x' }], nodeNam: 'x' }),
];

const services: readonly Step[] = [
  service('an external name', { type: 'ExternalName', externalName: 'example.com' }),
  service('an external name that is none', { type: 'ExternalName', externalName: 'a b' }),
  service('two ports without names', { ports: [{ port: 1 }, { port: 2 }] }),
  service('two ports of one number', {
    ports: [
      { name: 'a', port: 1 },
      { name: 'b', port: 1 },
    ],
  }),
  service('a port out of range', { ports: [{ port: 0 }, { port: 70_000, name: 'b' }] }),
  service('headless', { clusterIP: 'None', selector: labels, ports: [{ port: 80, appProtocol: 'http' }] }),
  service('an address outside the range', { clusterIP: '1.2.3.4', ports: [{ port: 80 }] }),
  service('a bad target port', { ports: [{ port: 80, targetPort: 'Not Ok' }] }),
  service('an unknown type', { type: 'Public', ports: [{ port: 80 }] }),
  service('session affinity', { sessionAffinity: 'ClientIP', ports: [{ port: 80 }] }),
  service('an unknown protocol', { ports: [{ port: 80, protocol: 'HTTP' }] }),
];

const workloads: readonly Step[] = [
  workload('Deployment', 'deployments', 'the least', {
    selector: { matchLabels: labels },
    template: template(),
  }),
  workload('Deployment', 'deployments', 'no selector', { template: template() }),
  workload('Deployment', 'deployments', 'no template', { selector: { matchLabels: labels } }),
  workload('Deployment', 'deployments', 'fewer than none', {
    replicas: -1,
    selector: { matchLabels: labels },
    template: template(),
  }),
  workload('Deployment', 'deployments', 'nothing may be missing and nothing more', {
    selector: { matchLabels: labels },
    template: template(),
    strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
  }),
  workload('Deployment', 'deployments', 'recreate with a rolling update', {
    selector: { matchLabels: labels },
    template: template(),
    strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } },
  }),
  workload('Deployment', 'deployments', 'a bad expression', {
    selector: { matchExpressions: [{ key: 'a', operator: 'In' }] },
    template: template(),
  }),
  workload('Deployment', 'deployments', 'pods that end', {
    selector: { matchLabels: labels },
    template: template({ containers: [container], restartPolicy: 'Never' }),
  }),
  workload('StatefulSet', 'statefulsets', 'the least', {
    serviceName: 's',
    selector: { matchLabels: labels },
    template: template(),
  }),
  workload('StatefulSet', 'statefulsets', 'claims', {
    serviceName: 's',
    selector: { matchLabels: labels },
    template: template(),
    volumeClaimTemplates: [
      {
        metadata: { name: 'd' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    ],
  }),
  workload('DaemonSet', 'daemonsets', 'the least', {
    selector: { matchLabels: labels },
    template: template(),
  }),
  workload('DaemonSet', 'daemonsets', 'an empty selector', { selector: {}, template: template() }),
  workload('ReplicaSet', 'replicasets', 'the least', {
    selector: { matchLabels: labels },
    template: template(),
  }),
  tried(
    'Job: the least',
    `${batch}/jobs`,
    object('batch/v1', 'Job', {
      spec: { template: template({ containers: [container], restartPolicy: 'Never' }) },
    }),
  ),
  tried(
    'Job: pods that always run',
    `${batch}/jobs`,
    object('batch/v1', 'Job', { spec: { template: template() } }),
  ),
  tried(
    'CronJob: the least',
    `${batch}/cronjobs`,
    object('batch/v1', 'CronJob', {
      spec: {
        schedule: '*/5 * * * *',
        jobTemplate: {
          spec: { template: template({ containers: [container], restartPolicy: 'OnFailure' }) },
        },
      },
    }),
  ),
  tried(
    'CronJob: a bad schedule',
    `${batch}/cronjobs`,
    object('batch/v1', 'CronJob', {
      spec: {
        schedule: 'often',
        jobTemplate: {
          spec: { template: template({ containers: [container], restartPolicy: 'OnFailure' }) },
        },
      },
    }),
  ),
];

const others: readonly Step[] = [
  tried('config map: a bad key', `${core}/configmaps`, object('v1', 'ConfigMap', { data: { 'a b': 'c' } })),
  tried(
    'config map: a value of the wrong type',
    `${core}/configmaps`,
    object('v1', 'ConfigMap', { data: { a: 1 } }),
  ),
  tried('secret: text', `${core}/secrets`, object('v1', 'Secret', { stringData: { a: 'b' } })),
  tried(
    'secret: TLS without a key',
    `${core}/secrets`,
    object('v1', 'Secret', { type: 'kubernetes.io/tls', data: {} }),
  ),
  tried('secret: not base64', `${core}/secrets`, object('v1', 'Secret', { data: { a: '%' } })),
  tried('service account', `${core}/serviceaccounts`, object('v1', 'ServiceAccount', {})),
  tried(
    'endpoints',
    `${core}/endpoints`,
    object('v1', 'Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }] }] }),
  ),
  tried(
    'endpoints: a bad address',
    `${core}/endpoints`,
    object('v1', 'Endpoints', { subsets: [{ addresses: [{ ip: 'x' }], ports: [{ port: 1 }] }] }),
  ),
  tried(
    'endpoint slice',
    `/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices`,
    object('discovery.k8s.io/v1', 'EndpointSlice', {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [{ port: 80 }],
    }),
  ),
  tried(
    'endpoint slice: no type',
    `/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices`,
    object('discovery.k8s.io/v1', 'EndpointSlice', { endpoints: [] }),
  ),
  tried(
    'lease',
    `/apis/coordination.k8s.io/v1/namespaces/${ns}/leases`,
    object('coordination.k8s.io/v1', 'Lease', {
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15 },
    }),
  ),
  tried(
    'lease: no time',
    `/apis/coordination.k8s.io/v1/namespaces/${ns}/leases`,
    object('coordination.k8s.io/v1', 'Lease', {
      spec: { leaseDurationSeconds: 0 },
    }),
  ),
  tried(
    'disruption budget',
    `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`,
    object('policy/v1', 'PodDisruptionBudget', {
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    }),
  ),
  tried(
    'disruption budget: both',
    `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`,
    object('policy/v1', 'PodDisruptionBudget', {
      spec: { minAvailable: 1, maxUnavailable: '150%' },
    }),
  ),
  tried(
    'network policy',
    `/apis/networking.k8s.io/v1/namespaces/${ns}/networkpolicies`,
    object('networking.k8s.io/v1', 'NetworkPolicy', {
      spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }], from: [{ namespaceSelector: {} }] }] },
    }),
  ),
  tried(
    'ingress',
    `/apis/networking.k8s.io/v1/namespaces/${ns}/ingresses`,
    object('networking.k8s.io/v1', 'Ingress', {
      spec: {
        rules: [
          {
            host: 'a.example.com',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    }),
  ),
  tried(
    'role',
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`,
    object('rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    }),
  ),
  tried(
    'role: no verbs',
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`,
    object('rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['pods'] }],
    }),
  ),
  tried(
    'role binding',
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`,
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [
        { kind: 'User', name: 'a' },
        { kind: 'ServiceAccount', name: 'b', namespace: ns },
      ],
    }),
  ),
  tried(
    'role binding: no subject’s namespace',
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`,
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'b' }],
    }),
  ),
  tried('node', '/api/v1/nodes', object('v1', 'Node', {})),
  tried('namespace', '/api/v1/namespaces', object('v1', 'Namespace', {})),
  tried(
    'mutating webhook',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {
      webhooks: [
        {
          name: 'a.example.com',
          clientConfig: { service: { name: 's', namespace: ns } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        },
      ],
    }),
  ),
  tried(
    'mutating webhook: bad name and no client',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', {
      webhooks: [{ name: 'a', clientConfig: {}, sideEffects: 'Maybe', admissionReviewVersions: [] }],
    }),
  ),
  tried(
    'API service',
    '/apis/apiregistration.k8s.io/v1/apiservices',
    object(
      'apiregistration.k8s.io/v1',
      'APIService',
      {
        spec: {
          group: 'x.example.com',
          version: 'v1',
          groupPriorityMinimum: 10,
          versionPriority: 10,
          service: { name: 's', namespace: ns },
        },
      },
      { name: 'v1.x.example.com' },
    ),
  ),
  tried(
    'admission policy',
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', {
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
        validations: [{ expression: 'true' }],
      },
    }),
  ),
  tried(
    'admission policy: nothing to validate',
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', {
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
      },
    }),
  ),
  tried(
    'admission policy: what is not CEL',
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
    object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', {
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
        validations: [{ expression: 'object.' }],
      },
    }),
  ),
  tried(
    'admission policy binding: no action',
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
    object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', {
      spec: { policyName: 'a' },
    }),
  ),
  tried(
    'job: counts below zero',
    `${batch}/jobs`,
    object('batch/v1', 'Job', {
      spec: {
        completions: -1,
        parallelism: -2,
        backoffLimit: -1,
        activeDeadlineSeconds: -3,
        ttlSecondsAfterFinished: -4,
        template: template({ restartPolicy: 'Always', containers: [container] }),
      },
    }),
  ),
  tried(
    'cron job: zones, policies and counts',
    `${batch}/cronjobs`,
    object('batch/v1', 'CronJob', {
      spec: {
        schedule: 'TZ=UTC * * * * *',
        timeZone: 'Foo/Bar',
        concurrencyPolicy: 'Sometimes',
        startingDeadlineSeconds: -1,
        successfulJobsHistoryLimit: -1,
        jobTemplate: { spec: { template: template({ restartPolicy: 'Never', containers: [container] }) } },
      },
    }),
  ),
  workload('DaemonSet', 'daemonsets', 'an unknown update strategy', {
    selector: { matchLabels: labels },
    updateStrategy: { type: 'Sometimes' },
    template: template(),
  }),
  workload('Deployment', 'deployments', 'mistakes of several fields, in their order', {
    selector: { matchLabels: labels },
    strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
    template: template({
      containers: [
        {
          ...container,
          ports: [{ containerPort: 99_999, protocol: 'X' }],
          env: [{ name: 'a=b', value: 'x' }],
          imagePullPolicy: 'Maybe',
          volumeMounts: [{ name: 'none', mountPath: '' }],
          livenessProbe: {},
        },
      ],
    }),
  }),
  pod('a negative grace period', { containers: [container], terminationGracePeriodSeconds: -1 }),
  tried(
    'disruption budget: a selector of wrong labels',
    `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`,
    object('policy/v1', 'PodDisruptionBudget', {
      spec: { minAvailable: 1, selector: { matchLabels: { 'a b': 'c' } } },
    }),
  ),
  tried(
    'webhook: a URL without TLS',
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
      webhooks: [
        {
          name: 'a.example.com',
          clientConfig: { url: 'http://x' },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    }),
  ),
  tried(
    'API service: another name and no priorities',
    '/apis/apiregistration.k8s.io/v1/apiservices',
    object('apiregistration.k8s.io/v1', 'APIService', {
      spec: { group: 'b.example.com', version: 'v1', service: { name: 'a', namespace: 'b' } },
    }),
  ),
  tried(
    'custom resource definition: nothing in it',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { spec: {} }, { name: 'as.example.com' }),
  ),
];

/** Every kind of object, tried but not stored. */
export const kinds: StepGroup = {
  name: 'kinds',
  namespaces: [ns],
  steps: [
    send('namespace of the kinds', 'POST', '/api/v1/namespaces', object('v1', 'Namespace', {}, { name: ns })),
    // Pods are admitted once the namespace's controller has made the account "default".
    { name: 'its service account', http: 'GET', path: `${core}/serviceaccounts/default`, until: /^200/ },
    ...pods,
    ...services,
    ...workloads,
    ...others,
  ],
};

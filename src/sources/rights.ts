/** The least rights that each capability of Padlock needs, as RBAC rules: what `padlock rbac` prints and docs/rbac.md explains. */
import type { ResourceType } from './cluster.ts';
import {
  configMapsType,
  discoveredTypes,
  namespacedTypes,
  namespacesType,
  nodesType,
  planTypes,
  podsType,
  webhooksType,
} from './snapshot-types.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export const capabilities = [
  'posture',
  'configured',
  'certs',
  'verify',
  'proxy-status',
  'probe-pods',
  'plan',
  'plan-shadow',
  'secure',
  'watch',
  'guard',
  'authz',
  'dashboard',
] as const;
export type Capability = (typeof capabilities)[number];

export interface Rights {
  /** What the rights are for, in a sentence. */
  readonly purpose: string;
  /** Capabilities whose rights it needs as well. */
  readonly includes: readonly Capability[];
  /** Needed for the whole cluster: things that belong to no namespace. */
  readonly cluster: readonly Rule[];
  /** Needed in each namespace that is asked about. */
  readonly namespace: readonly Rule[];
  /** Needed in the namespace of the control plane. */
  readonly root: readonly Rule[];
}

const reading: readonly Rule[] = [
  ...byGroup(namespacedTypes),
  ...Object.entries(discoveredTypes).map(([group, resources]) => ({
    apiGroups: [group],
    resources,
    verbs: ['list'],
  })),
];

/** A GET that becomes a WebSocket is `get` to RBAC, and `create` too where Kubernetes 1.35 or newer asks for it. */
const dial = (resource: string): Rule => ({
  apiGroups: [''],
  resources: [resource],
  verbs: ['get', 'create'],
});
const proxyConfig = dial('pods/portforward');

export const rights = {
  posture: {
    purpose: 'what policies, workloads and services declare',
    includes: [],
    cluster: [
      { apiGroups: [''], resources: ['namespaces', 'nodes'], verbs: ['list'] },
      { apiGroups: [webhooksType.group], resources: [webhooksType.plural], verbs: ['list'] },
    ],
    namespace: reading,
    root: [{ apiGroups: [''], resources: [configMapsType.plural], verbs: ['list'] }],
  },
  configured: {
    purpose: 'what each proxy has loaded, by port-forward to its admin port (pods/exec serves as well)',
    includes: ['posture'],
    cluster: [],
    namespace: [proxyConfig],
    root: [],
  },
  certs: {
    purpose: 'the certificates that each proxy holds; private keys are never shown by Envoy',
    includes: ['posture'],
    cluster: [],
    namespace: [proxyConfig],
    root: [],
  },
  verify: {
    purpose: 'probes: plaintext by the API server’s pod proxy, mutual TLS by curl in a pod that has it',
    includes: ['posture', 'configured'],
    cluster: [],
    namespace: [
      { apiGroups: [''], resources: ['pods/proxy', 'pods/log'], verbs: ['get'] },
      dial('pods/exec'),
    ],
    root: [],
  },
  'proxy-status': {
    purpose:
      'what istiod sent to each proxy and what it acknowledged, by port-forward to istiod’s debug page',
    includes: ['verify'],
    cluster: [],
    namespace: [],
    root: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }, proxyConfig],
  },
  'probe-pods': {
    purpose: 'two short-lived probe pods, made by Jobs that remove themselves',
    includes: ['verify'],
    cluster: [],
    namespace: [
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
      dial('pods/exec'),
    ],
    root: [],
  },
  plan: {
    purpose: 'who sends plaintext, by counters and access logs, and what calls from outside the mesh',
    includes: ['posture'],
    cluster: planTypes
      .filter(({ namespaced }) => !namespaced)
      .map(({ group, plural }) => ({ apiGroups: [group], resources: [plural], verbs: ['list'] })),
    namespace: [
      ...byGroup(planTypes.filter(({ namespaced }) => namespaced)),
      { apiGroups: [''], resources: ['pods'], verbs: ['watch'] },
      { apiGroups: [''], resources: ['pods/proxy', 'pods/log'], verbs: ['get'] },
    ],
    root: [],
  },
  'plan-shadow': {
    purpose: 'a rehearsal of STRICT: a dry-run policy that is made and removed, seen in what proxies load',
    includes: ['plan', 'configured'],
    cluster: [],
    namespace: [
      {
        apiGroups: ['security.istio.io'],
        resources: ['authorizationpolicies'],
        verbs: ['get', 'create', 'delete'],
      },
    ],
    root: [],
  },
  secure: {
    purpose: 'a rollout: the injection label, restarts, the policies, its record and its Lease',
    includes: ['verify'],
    cluster: [],
    namespace: [
      // For a namespace itself the API server asks the rights inside it.
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'patch'] },
      {
        apiGroups: ['apps'],
        resources: ['deployments', 'statefulsets', 'daemonsets'],
        verbs: ['get', 'patch'],
      },
      {
        apiGroups: ['security.istio.io'],
        resources: ['peerauthentications'],
        verbs: ['get', 'create', 'patch', 'delete'],
      },
      {
        apiGroups: ['networking.istio.io'],
        resources: ['destinationrules'],
        verbs: ['get', 'create', 'patch', 'delete'],
      },
      { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
    ],
    root: [],
  },
  watch: {
    purpose: 'a live stream: the same objects watched, and the proxies’ logs, certificates and counters',
    includes: ['posture', 'certs'],
    cluster: [
      { apiGroups: [''], resources: ['namespaces', 'nodes'], verbs: ['watch'] },
      { apiGroups: [webhooksType.group], resources: [webhooksType.plural], verbs: ['watch'] },
    ],
    namespace: [
      ...reading.map((rule) => ({ ...rule, verbs: ['watch'] })),
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
    ],
    root: [{ apiGroups: [''], resources: [configMapsType.plural, podsType.plural], verbs: ['watch'] }],
  },
  guard: {
    purpose: 'admission policies for the whole cluster, and one trial of them by a dry run',
    includes: ['posture'],
    cluster: [
      {
        apiGroups: [webhooksType.group],
        resources: ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
        verbs: ['list', 'create', 'patch', 'delete'],
      },
    ],
    namespace: [{ apiGroups: ['security.istio.io'], resources: ['peerauthentications'], verbs: ['create'] }],
    root: [],
  },
  authz: {
    purpose: 'who called what: the servers’ access logs and counters; nothing is applied',
    includes: ['posture'],
    cluster: [],
    namespace: [{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }, proxyConfig],
    root: [],
  },
  dashboard: {
    purpose: 'every page of the dashboard without --allow-changes, and its probes when they are asked for',
    includes: ['watch', 'proxy-status'],
    cluster: [],
    namespace: [
      // The record of a rollout and who drives it.
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get'] },
    ],
    // Policies there hold everywhere.
    root: reading
      .filter(({ apiGroups }) => apiGroups.some((group) => /^(security|networking)\.istio\.io$/.test(group)))
      .map((rule) => ({ ...rule, verbs: ['watch'] })),
  },
} as const satisfies Record<Capability, Rights>;

function byGroup(types: readonly ResourceType[]): readonly Rule[] {
  const groups = Object.groupBy(types, (type) => type.group);
  return Object.entries(groups).map(([group, members]) => ({
    apiGroups: [group],
    resources: (members ?? []).map((type) => type.plural),
    verbs: ['list'],
  }));
}

/** The capability's own rights and those of what it includes. */
export function rightsFor(capability: Capability): readonly Rights[] {
  const own: Rights = rights[capability];
  return [own, ...own.includes.flatMap(rightsFor)];
}

/** The same rule is given once, however many capabilities need it. */
export function mergeRules(rules: readonly Rule[]): readonly Rule[] {
  const merged = new Map<string, Rule>();
  for (const rule of rules) {
    const key = `${rule.apiGroups.join()} ${rule.verbs.join()}`;
    const known = merged.get(key);
    const resources = [...new Set([...(known?.resources ?? []), ...rule.resources])];
    merged.set(key, { ...rule, resources });
  }
  return [...merged.values()];
}

/** Names of the types that belong to no namespace, so that only a ClusterRole can grant them. */
export const clusterScoped: readonly ResourceType[] = [namespacesType, nodesType, webhooksType];

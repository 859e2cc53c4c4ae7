/** Which resources the mesh model reads. `padlock rbac` prints the same list as rules. */
import type { ResourceType } from './cluster.ts';

const builtIn = (group: string, version: string, plural: string, namespaced = true): ResourceType => ({
  group,
  version,
  plural,
  namespaced,
});

export const namespacesType = builtIn('', 'v1', 'namespaces', false);
export const podsType = builtIn('', 'v1', 'pods');
export const configMapsType = builtIn('', 'v1', 'configmaps');

/** Read in every namespace where that is allowed, else in the ones that were asked about. */
export const namespacedTypes: readonly ResourceType[] = [
  podsType,
  builtIn('', 'v1', 'services'),
  builtIn('discovery.k8s.io', 'v1', 'endpointslices'),
  builtIn('apps', 'v1', 'deployments'),
  builtIn('apps', 'v1', 'replicasets'),
  builtIn('apps', 'v1', 'statefulsets'),
  builtIn('apps', 'v1', 'daemonsets'),
  builtIn('batch', 'v1', 'jobs'),
  builtIn('batch', 'v1', 'cronjobs'),
];

export const webhooksType = builtIn(
  'admissionregistration.k8s.io',
  'v1',
  'mutatingwebhookconfigurations',
  false,
);
/** Only the kubelets' versions are of interest (native sidecars); not being allowed to see them costs nothing else. */
export const nodesType = builtIn('', 'v1', 'nodes', false);

/** Who calls from outside the mesh by configuration: only `padlock plan` reads them. */
export const planTypes: readonly ResourceType[] = [
  builtIn('admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', false),
  builtIn('apiregistration.k8s.io', 'v1', 'apiservices', false),
  builtIn('networking.k8s.io', 'v1', 'ingressclasses', false),
  builtIn('networking.k8s.io', 'v1', 'ingresses'),
  builtIn('monitoring.coreos.com', 'v1', 'servicemonitors'),
  builtIn('monitoring.coreos.com', 'v1', 'podmonitors'),
];

/** Kinds that come with Istio and the Gateway API, by group; their version is discovered. */
export const discoveredTypes: Readonly<Record<string, readonly string[]>> = {
  'security.istio.io': ['peerauthentications', 'authorizationpolicies', 'requestauthentications'],
  'networking.istio.io': [
    'destinationrules',
    'virtualservices',
    'serviceentries',
    'workloadentries',
    'workloadgroups',
    'sidecars',
    'gateways',
    'envoyfilters',
    'proxyconfigs',
  ],
  'telemetry.istio.io': ['telemetries'],
  'extensions.istio.io': ['wasmplugins'],
  'gateway.networking.k8s.io': [
    'gateways',
    'httproutes',
    'grpcroutes',
    'tlsroutes',
    'tcproutes',
    'backendtlspolicies',
  ],
};

/** kubectl's notation: `pods`, `peerauthentications.security.istio.io`. */
export function resourceName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

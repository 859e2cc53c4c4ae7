/** The groups around workloads: discovery, events, coordination, policy, networking, scheduling, storage, node, certificates. */
import { endpointSliceStrategy, eventStrategy } from '../kinds/core.ts';
import { fromEventsV1, toEventsV1 } from '../kinds/events-conversion.ts';
import {
  budgetStrategy,
  leaseStrategy,
  networkPolicyStrategy,
  priorityClassStrategy,
  signingRequestStrategy,
  storageClassStrategy,
} from '../kinds/policies.ts';
import { endpointSliceTable, eventTable } from '../tables/core.ts';
import {
  budgetTable,
  ingressClassTable,
  ingressTable,
  leaseTable,
  networkPolicyTable,
  priorityClassTable,
  signingRequestTable,
  storageClassTable,
} from '../tables/policies.ts';
import { type Resource, resource } from './resource.ts';

const readWrite: readonly string[] = ['get', 'patch', 'update'];

export const clusterResources: readonly Resource[] = [
  resource({
    group: 'discovery.k8s.io',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    generation: true,
    table: endpointSliceTable,
    strategy: endpointSliceStrategy,
  }),
  resource({
    group: 'events.k8s.io',
    versions: [{ name: 'v1', served: true, fromStorage: toEventsV1, toStorage: fromEventsV1 }],
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    table: eventTable,
    strategy: eventStrategy,
  }),
  resource({
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    table: leaseTable,
    strategy: leaseStrategy,
  }),
  resource({
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    status: true,
    generation: true,
    table: budgetTable,
    strategy: budgetStrategy,
  }),
  resource({
    group: 'networking.k8s.io',
    kind: 'IngressClass',
    plural: 'ingressclasses',
    clusterScoped: true,
    generation: true,
    table: ingressClassTable,
  }),
  resource({
    group: 'networking.k8s.io',
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
    status: true,
    generation: true,
    table: ingressTable,
  }),
  resource({
    group: 'networking.k8s.io',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    generation: true,
    table: networkPolicyTable,
    strategy: networkPolicyStrategy,
  }),
  resource({
    group: 'scheduling.k8s.io',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    shortNames: ['pc'],
    clusterScoped: true,
    generation: true,
    table: priorityClassTable,
    strategy: priorityClassStrategy,
  }),
  resource({
    group: 'storage.k8s.io',
    kind: 'StorageClass',
    plural: 'storageclasses',
    shortNames: ['sc'],
    clusterScoped: true,
    table: storageClassTable,
    strategy: storageClassStrategy,
  }),
  resource({ group: 'node.k8s.io', kind: 'RuntimeClass', plural: 'runtimeclasses', clusterScoped: true }),
  resource({
    group: 'certificates.k8s.io',
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    shortNames: ['csr'],
    clusterScoped: true,
    status: true,
    subresources: [{ name: 'approval', verbs: readWrite }],
    table: signingRequestTable,
    strategy: signingRequestStrategy,
  }),
];

/** The core group: `/api/v1`. */
import {
  configMapStrategy,
  endpointsStrategy,
  eventStrategy,
  namespaceStrategy,
  nodeStrategy,
  podTemplateStrategy,
  secretStrategy,
  volumeStrategy,
} from '../kinds/core.ts';
import { podStrategy } from '../kinds/pod.ts';
import { serviceStrategy } from '../kinds/service.ts';
import { replicationControllerStrategy } from '../kinds/workload.ts';
import {
  claimTable,
  configMapTable,
  endpointsTable,
  eventTable,
  namespaceTable,
  nodeTable,
  secretTable,
  serviceTable,
  volumeTable,
} from '../tables/core.ts';
import { podTable } from '../tables/pod.ts';
import { replicaSetTable } from '../tables/workloads.ts';
import {
  type Resource,
  type ResourceSpec,
  resource,
  type Subresource,
  scaleSubresource,
} from './resource.ts';

const connect: readonly string[] = ['create', 'get'];
const proxyVerbs: readonly string[] = ['create', 'delete', 'get', 'patch', 'update'];

const podSubresources: readonly Subresource[] = [
  { name: 'attach', kind: 'PodAttachOptions', verbs: connect },
  { name: 'binding', kind: 'Binding', verbs: ['create'] },
  { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'] },
  { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  { name: 'exec', kind: 'PodExecOptions', verbs: connect },
  { name: 'log', verbs: ['get'] },
  { name: 'portforward', kind: 'PodPortForwardOptions', verbs: connect },
  { name: 'proxy', kind: 'PodProxyOptions', verbs: proxyVerbs },
];

const core = (spec: Omit<ResourceSpec, 'group'>): Resource => resource({ group: '', ...spec });

export const coreResources: readonly Resource[] = [
  core({
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    table: configMapTable,
    strategy: configMapStrategy,
  }),
  core({
    kind: 'Endpoints',
    plural: 'endpoints',
    singular: 'endpoints',
    shortNames: ['ep'],
    table: endpointsTable,
    strategy: endpointsStrategy,
  }),
  core({ kind: 'Event', plural: 'events', shortNames: ['ev'], table: eventTable, strategy: eventStrategy }),
  core({ kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'] }),
  core({
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    clusterScoped: true,
    status: true,
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    subresources: [{ name: 'finalize', verbs: ['update'] }],
    table: namespaceTable,
    strategy: namespaceStrategy,
  }),
  core({
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    clusterScoped: true,
    status: true,
    subresources: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: proxyVerbs }],
    table: nodeTable,
    strategy: nodeStrategy,
  }),
  core({
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    shortNames: ['pvc'],
    status: true,
    table: claimTable,
    strategy: volumeStrategy,
  }),
  core({
    kind: 'PersistentVolume',
    plural: 'persistentvolumes',
    shortNames: ['pv'],
    clusterScoped: true,
    status: true,
    table: volumeTable,
    strategy: volumeStrategy,
  }),
  core({
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    status: true,
    generation: true,
    subresources: podSubresources,
    table: podTable,
    strategy: podStrategy,
  }),
  core({ kind: 'PodTemplate', plural: 'podtemplates', generation: true, strategy: podTemplateStrategy }),
  core({
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    categories: ['all'],
    status: true,
    generation: true,
    subresources: [scaleSubresource],
    table: replicaSetTable,
    strategy: replicationControllerStrategy,
  }),
  core({ kind: 'ResourceQuota', plural: 'resourcequotas', shortNames: ['quota'], status: true }),
  core({ kind: 'Secret', plural: 'secrets', table: secretTable, strategy: secretStrategy }),
  core({
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    subresources: [
      {
        name: 'token',
        kind: 'TokenRequest',
        group: 'authentication.k8s.io',
        version: 'v1',
        verbs: ['create'],
      },
    ],
  }),
  core({
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    status: true,
    subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: proxyVerbs }],
    table: serviceTable,
    strategy: serviceStrategy,
  }),
];

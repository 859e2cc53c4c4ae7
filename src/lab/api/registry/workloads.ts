/** The groups that run pods: `apps/v1` and `batch/v1`, with `autoscaling` beside them. */
import { autoscalerFromV1, autoscalerStrategy, autoscalerToV1 } from '../kinds/policies.ts';
import {
  cronJobStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  jobStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from '../kinds/workload.ts';
import { autoscalerTable } from '../tables/policies.ts';
import {
  cronJobTable,
  daemonSetTable,
  deploymentTable,
  jobTable,
  replicaSetTable,
  revisionTable,
  statefulSetTable,
} from '../tables/workloads.ts';
import { type Resource, type ResourceSpec, resource, scaleSubresource } from './resource.ts';

const workload = (
  group: string,
  spec: Omit<ResourceSpec, 'group' | 'categories' | 'status' | 'generation'>,
): Resource => resource({ group, categories: ['all'], status: true, generation: true, ...spec });

export const workloadResources: readonly Resource[] = [
  resource({
    group: 'apps',
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
    table: revisionTable,
  }),
  workload('apps', {
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    table: daemonSetTable,
    strategy: daemonSetStrategy,
  }),
  workload('apps', {
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    subresources: [scaleSubresource],
    table: deploymentTable,
    strategy: deploymentStrategy,
  }),
  workload('apps', {
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    subresources: [scaleSubresource],
    table: replicaSetTable,
    strategy: replicaSetStrategy,
  }),
  workload('apps', {
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    subresources: [scaleSubresource],
    table: statefulSetTable,
    strategy: statefulSetStrategy,
  }),
  workload('batch', {
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    table: cronJobTable,
    strategy: cronJobStrategy,
  }),
  workload('batch', { kind: 'Job', plural: 'jobs', table: jobTable, strategy: jobStrategy }),
  resource({
    group: 'autoscaling',
    versions: ['v2', { name: 'v1', served: true, fromStorage: autoscalerToV1, toStorage: autoscalerFromV1 }],
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
    status: true,
    table: autoscalerTable,
    strategy: autoscalerStrategy,
  }),
];

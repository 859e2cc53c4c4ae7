/** Workload kinds as the API server stores them (views, see pod.ts). */
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { Condition, PodSpec } from './pod.ts';

export type Labels = Readonly<Record<string, string>>;

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface PodTemplate {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec: PodSpec;
}

/** A number, or a percentage such as `25%`. */
export type IntOrPercent = number | string;

export interface WorkloadCondition extends Condition {
  readonly lastUpdateTime?: string;
}

export interface DeploymentObject extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly paused?: boolean;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly progressDeadlineSeconds?: number;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxSurge?: IntOrPercent;
        readonly maxUnavailable?: IntOrPercent;
      };
    };
  };
  readonly status?: {
    readonly collisionCount?: number;
    readonly conditions?: readonly WorkloadCondition[];
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
  };
}

export interface ReplicaSetObject extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
  };
  readonly status?: {
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly fullyLabeledReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface StatefulSetObject extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly podManagementPolicy?: string;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly partition?: number };
    };
  };
  readonly status?: { readonly currentRevision?: string; readonly collisionCount?: number };
}

export interface DaemonSetObject extends KubeObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: IntOrPercent };
    };
  };
}

export interface JobSpec {
  readonly parallelism?: number;
  readonly completions?: number;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly suspend?: boolean;
  readonly selector?: LabelSelector;
  readonly template: PodTemplate;
}

export interface JobObject extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: {
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly conditions?: readonly (Condition & { readonly lastProbeTime?: string })[];
  };
}

export interface CronJobObject extends KubeObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: string;
    readonly startingDeadlineSeconds?: number;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: {
      readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
      readonly spec: JobSpec;
    };
  };
  readonly status?: { readonly lastScheduleTime?: string };
}

function view(object: KubeObject, kind: string): KubeObject {
  if (object.kind !== kind) throw new TypeError(`not a ${kind}: ${object.kind} ${object.metadata.name}`);
  return object;
}

export function asDeployment(object: KubeObject): DeploymentObject {
  return view(object, 'Deployment') as DeploymentObject;
}

export function asReplicaSet(object: KubeObject): ReplicaSetObject {
  return view(object, 'ReplicaSet') as ReplicaSetObject;
}

export function asStatefulSet(object: KubeObject): StatefulSetObject {
  return view(object, 'StatefulSet') as StatefulSetObject;
}

export function asDaemonSet(object: KubeObject): DaemonSetObject {
  return view(object, 'DaemonSet') as DaemonSetObject;
}

export function asJob(object: KubeObject): JobObject {
  return view(object, 'Job') as JobObject;
}

export function asCronJob(object: KubeObject): CronJobObject {
  return view(object, 'CronJob') as CronJobObject;
}

/** Whether labels fit a selector (metav1.LabelSelector). An empty selector fits everything. */
export function selects(selector: LabelSelector, labels: Labels = {}): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (labels[key] !== value) return false;
  }
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    if (operator === 'Exists') return value !== undefined;
    return operator === 'DoesNotExist' && value === undefined;
  });
}

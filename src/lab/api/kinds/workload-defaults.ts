/** What the API server fills into Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs. */
import { ensureObject, type JsonObject, objectAt, objectsAt, setDefault, stringAt } from '../json.ts';
import { defaultPodTemplate } from './pod-defaults.ts';

export function defaultDeployment(deployment: JsonObject): void {
  const spec = ensureObject(deployment, 'spec');
  defaultPodTemplate(spec);
  setDefault(spec, 'replicas', 1);
  const strategy = ensureObject(spec, 'strategy');
  setDefault(strategy, 'type', 'RollingUpdate');
  if (stringAt(strategy, 'type') === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', '25%');
    setDefault(rolling, 'maxSurge', '25%');
  }
  setDefault(spec, 'revisionHistoryLimit', 10);
  setDefault(spec, 'progressDeadlineSeconds', 600);
  setDefault(deployment, 'status', {});
}

export function defaultReplicaSet(replicaSet: JsonObject): void {
  const spec = ensureObject(replicaSet, 'spec');
  defaultPodTemplate(spec);
  setDefault(spec, 'replicas', 1);
  // The only required number of a ReplicaSet's status: Go prints it even when nobody wrote it.
  setDefault(ensureObject(replicaSet, 'status'), 'replicas', 0);
}

export function defaultStatefulSet(statefulSet: JsonObject): void {
  const spec = ensureObject(statefulSet, 'spec');
  defaultPodTemplate(spec);
  setDefault(spec, 'podManagementPolicy', 'OrderedReady');
  const strategy = ensureObject(spec, 'updateStrategy');
  if (stringAt(strategy, 'type') === undefined) {
    strategy.type = 'RollingUpdate';
    ensureObject(strategy, 'rollingUpdate');
  }
  const rolling = objectAt(strategy, 'rollingUpdate');
  if (stringAt(strategy, 'type') === 'RollingUpdate' && rolling !== undefined)
    setDefault(rolling, 'partition', 0);
  const retention = ensureObject(spec, 'persistentVolumeClaimRetentionPolicy');
  setDefault(retention, 'whenDeleted', 'Retain');
  setDefault(retention, 'whenScaled', 'Retain');
  setDefault(spec, 'replicas', 1);
  setDefault(spec, 'revisionHistoryLimit', 10);
  setDefault(spec, 'serviceName', '');
  for (const claim of objectsAt(spec, 'volumeClaimTemplates')) {
    setDefault(claim, 'apiVersion', 'v1');
    setDefault(claim, 'kind', 'PersistentVolumeClaim');
    setDefault(ensureObject(claim, 'spec'), 'volumeMode', 'Filesystem');
    setDefault(ensureObject(claim, 'status'), 'phase', 'Pending');
  }
  const status = ensureObject(statefulSet, 'status');
  setDefault(status, 'replicas', 0);
  setDefault(status, 'availableReplicas', 0);
}

/** The template's generation as an annotation: a relic that the server still writes. */
const templateGeneration = 'deprecated.daemonset.template.generation';

export function defaultDaemonSet(daemonSet: JsonObject): void {
  setDefault(ensureObject(ensureObject(daemonSet, 'metadata'), 'annotations'), templateGeneration, '1');
  const spec = ensureObject(daemonSet, 'spec');
  defaultPodTemplate(spec);
  const strategy = ensureObject(spec, 'updateStrategy');
  setDefault(strategy, 'type', 'RollingUpdate');
  if (stringAt(strategy, 'type') === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', 1);
    setDefault(rolling, 'maxSurge', 0);
  }
  setDefault(spec, 'revisionHistoryLimit', 10);
  const status = ensureObject(daemonSet, 'status');
  for (const field of [
    'currentNumberScheduled',
    'desiredNumberScheduled',
    'numberMisscheduled',
    'numberReady',
  ]) {
    setDefault(status, field, 0);
  }
}

export function defaultJob(job: JsonObject): void {
  defaultJobSpec(ensureObject(job, 'spec'));
  const labels = objectAt(objectAt(objectAt(objectAt(job, 'spec'), 'template'), 'metadata'), 'labels');
  const metadata = ensureObject(job, 'metadata');
  if (labels !== undefined && metadata.labels === undefined) metadata.labels = { ...labels };
  setDefault(job, 'status', {});
}

function defaultJobSpec(spec: JsonObject): void {
  defaultPodTemplate(spec);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647);
  setDefault(spec, 'completionMode', 'NonIndexed');
  setDefault(spec, 'suspend', false);
  setDefault(
    spec,
    'podReplacementPolicy',
    spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  );
  setDefault(spec, 'manualSelector', false);
}

export function defaultCronJob(cronJob: JsonObject): void {
  const spec = ensureObject(cronJob, 'spec');
  setDefault(spec, 'concurrencyPolicy', 'Allow');
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'successfulJobsHistoryLimit', 3);
  setDefault(spec, 'failedJobsHistoryLimit', 1);
  // The job of a CronJob's template is a template: only its pods are defaulted.
  const jobSpec = objectAt(objectAt(spec, 'jobTemplate'), 'spec');
  if (jobSpec !== undefined) defaultPodTemplate(jobSpec);
  setDefault(objectAt(spec, 'jobTemplate') ?? {}, 'metadata', {});
  setDefault(cronJob, 'status', {});
}

/** The columns of Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs and ControllerRevisions. */
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringMapAt } from '../json.ts';
import { templateContainers } from '../kinds/workload.ts';
import { humanDuration, since } from './human-duration.ts';
import { type ColumnSpec, containerColumns, formatLabels, formatSelector, namedTable } from './table.ts';

const spec = (object: JsonObject): JsonObject | undefined => objectAt(object, 'spec');
const status = (object: JsonObject): JsonObject | undefined => objectAt(object, 'status');
const fromStatus = (field: string) => (object: JsonObject) => numberAt(status(object), field) ?? 0;

const wide: readonly ColumnSpec[] = [
  ...containerColumns(templateContainers),
  { name: 'Selector', wide: true, cell: (object) => formatSelector(objectAt(spec(object), 'selector')) },
];

const ready: ColumnSpec = {
  name: 'Ready',
  cell: (object) =>
    `${numberAt(status(object), 'readyReplicas') ?? 0}/${numberAt(spec(object), 'replicas') ?? 0}`,
};

export const deploymentTable = namedTable(
  [
    ready,
    { name: 'Up-to-date', cell: fromStatus('updatedReplicas') },
    { name: 'Available', cell: fromStatus('availableReplicas') },
  ],
  wide,
);

export const replicaSetTable = namedTable(
  [
    { name: 'Desired', type: 'integer', cell: (object) => numberAt(spec(object), 'replicas') ?? 0 },
    { name: 'Current', type: 'integer', cell: fromStatus('replicas') },
    { name: 'Ready', type: 'integer', cell: fromStatus('readyReplicas') },
  ],
  wide,
);

export const statefulSetTable = namedTable([ready], containerColumns(templateContainers));

export const daemonSetTable = namedTable(
  [
    { name: 'Desired', type: 'integer', cell: fromStatus('desiredNumberScheduled') },
    { name: 'Current', type: 'integer', cell: fromStatus('currentNumberScheduled') },
    { name: 'Ready', type: 'integer', cell: fromStatus('numberReady') },
    { name: 'Up-to-date', type: 'integer', cell: fromStatus('updatedNumberScheduled') },
    { name: 'Available', type: 'integer', cell: fromStatus('numberAvailable') },
    {
      name: 'Node Selector',
      cell: (object) =>
        formatLabels(stringMapAt(objectAt(objectAt(spec(object), 'template'), 'spec'), 'nodeSelector')),
    },
  ],
  wide,
);

function jobStatus(job: JsonObject): string {
  const has = (type: string): boolean =>
    objectsAt(status(job), 'conditions').some((one) => one.type === type && one.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (stringAt(objectAt(job, 'metadata'), 'deletionTimestamp') !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions(job: JsonObject): string {
  const succeeded = numberAt(status(job), 'succeeded') ?? 0;
  const completions = numberAt(spec(job), 'completions');
  if (completions !== undefined) return `${succeeded}/${completions}`;
  const parallelism = numberAt(spec(job), 'parallelism') ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: JsonObject, now: Date): string {
  const start = stringAt(status(job), 'startTime');
  if (start === undefined) return '';
  const end = stringAt(status(job), 'completionTime');
  return humanDuration((end === undefined ? now.getTime() : Date.parse(end)) - Date.parse(start));
}

export const jobTable = namedTable(
  [
    { name: 'Status', cell: jobStatus },
    { name: 'Completions', cell: jobCompletions },
    { name: 'Duration', cell: jobDuration },
  ],
  wide,
);

function jobTemplateSpec(cronJob: JsonObject): JsonObject | undefined {
  return objectAt(objectAt(spec(cronJob), 'jobTemplate'), 'spec');
}

export const cronJobTable = namedTable(
  [
    { name: 'Schedule', cell: (object) => stringAt(spec(object), 'schedule') ?? '' },
    { name: 'Timezone', cell: (object) => stringAt(spec(object), 'timeZone') ?? '<none>' },
    {
      name: 'Suspend',
      type: 'boolean',
      cell: (object) => (spec(object)?.suspend === true ? 'True' : 'False'),
    },
    { name: 'Active', type: 'integer', cell: (object) => objectsAt(status(object), 'active').length },
    {
      name: 'Last Schedule',
      cell: (object, now) => {
        const last = stringAt(status(object), 'lastScheduleTime');
        return last === undefined ? '<none>' : since(last, now);
      },
    },
  ],
  [
    ...containerColumns((object) => templateContainers({ spec: jobTemplateSpec(object) })),
    {
      name: 'Selector',
      wide: true,
      cell: (object) => formatSelector(objectAt(jobTemplateSpec(object), 'selector')),
    },
  ],
);

export const revisionTable = namedTable([
  {
    name: 'Controller',
    cell: (object) => {
      const owner = objectsAt(objectAt(object, 'metadata'), 'ownerReferences').find(
        (one) => one.controller === true,
      );
      if (owner === undefined) return '<none>';
      const group = (stringAt(owner, 'apiVersion') ?? '').split('/').slice(0, -1).join('');
      const kind = (stringAt(owner, 'kind') ?? '').toLowerCase();
      return `${kind}${group === '' ? '' : `.${group}`}/${stringAt(owner, 'name') ?? ''}`;
    },
  },
  { name: 'Revision', cell: (object) => numberAt(object, 'revision') ?? 0 },
]);

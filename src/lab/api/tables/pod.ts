/** The columns of `kubectl get pods`: above all STATUS, which the server works out from the states of all containers. */
import { booleanAt, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from '../json.ts';
import { since } from './human-duration.ts';
import { ageColumn, nameColumn, table } from './table.ts';

interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

interface Restarts {
  count: number;
  last: string;
}

function addRestarts(restarts: Restarts, container: JsonObject): void {
  restarts.count += numberAt(container, 'restartCount') ?? 0;
  const finished = stringAt(objectAt(objectAt(container, 'lastState'), 'terminated'), 'finishedAt') ?? '';
  if (finished > restarts.last) restarts.last = finished;
}

/** Why a terminated container ended: its reason, its signal or its exit code. */
function terminationReason(terminated: JsonObject): string {
  const reason = stringAt(terminated, 'reason') ?? '';
  if (reason !== '') return reason;
  const signal = numberAt(terminated, 'signal') ?? 0;
  return signal === 0 ? `ExitCode:${numberAt(terminated, 'exitCode') ?? 0}` : `Signal:${signal}`;
}

function hasCondition(pod: JsonObject, type: string): boolean {
  return objectsAt(objectAt(pod, 'status'), 'conditions').some(
    (condition) => condition.type === type && condition.status === 'True',
  );
}

interface InitSummary {
  readonly reason: string | undefined;
  readonly ready: number;
  readonly all: Restarts;
  readonly sidecars: Restarts;
}

/** Walks the init containers up to the first that has not finished; native sidecars count as ready containers. */
function summarizeInit(pod: JsonObject): InitSummary {
  const spec = objectAt(pod, 'spec');
  const sidecars = new Set(
    objectsAt(spec, 'initContainers')
      .filter((container) => container.restartPolicy === 'Always')
      .map((container) => container.name),
  );
  const total = objectsAt(spec, 'initContainers').length;
  const summary = { ready: 0, all: { count: 0, last: '' }, sidecars: { count: 0, last: '' } };
  for (const [index, container] of objectsAt(objectAt(pod, 'status'), 'initContainerStatuses').entries()) {
    const isSidecar = sidecars.has(container.name);
    addRestarts(summary.all, container);
    if (isSidecar) addRestarts(summary.sidecars, container);
    const state = objectAt(container, 'state');
    const terminated = objectAt(state, 'terminated');
    if (terminated !== undefined && (numberAt(terminated, 'exitCode') ?? 0) === 0) continue;
    if (isSidecar && booleanAt(container, 'started') === true) {
      if (container.ready === true) summary.ready += 1;
      continue;
    }
    if (terminated !== undefined) return { ...summary, reason: `Init:${terminationReason(terminated)}` };
    const waiting = stringAt(objectAt(state, 'waiting'), 'reason') ?? '';
    const reason =
      waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`;
    return { ...summary, reason };
  }
  return { ...summary, reason: undefined };
}

/** The state of the main containers: the first one's trouble is what is shown. */
function summarizeMain(
  pod: JsonObject,
  phase: string,
  restarts: Restarts,
): { reason: string; ready: number } {
  let reason = phase;
  let errorReason = '';
  let ready = 0;
  for (const container of objectsAt(objectAt(pod, 'status'), 'containerStatuses').toReversed()) {
    addRestarts(restarts, container);
    const state = objectAt(container, 'state');
    const waiting = stringAt(objectAt(state, 'waiting'), 'reason') ?? '';
    const terminated = objectAt(state, 'terminated');
    if (waiting !== '') reason = waiting;
    else if (terminated !== undefined) {
      reason = terminationReason(terminated);
      if ((numberAt(terminated, 'exitCode') ?? 0) !== 0) errorReason = reason;
    } else if (container.ready === true && objectAt(state, 'running') !== undefined) ready += 1;
  }
  if (reason !== 'Completed') return { reason, ready };
  if (ready > 0 && hasCondition(pod, 'Ready')) return { reason: 'Running', ready };
  if (errorReason !== '') return { reason: errorReason, ready };
  return { reason: ready > 0 ? 'NotReady' : reason, ready };
}

function summarize(pod: JsonObject, now: Date): PodSummary {
  const spec = objectAt(pod, 'spec');
  const status = objectAt(pod, 'status');
  const phase = stringAt(status, 'phase') ?? '';
  const init = summarizeInit(pod);
  const sidecars = objectsAt(spec, 'initContainers').filter((one) => one.restartPolicy === 'Always').length;
  const total = objectsAt(spec, 'containers').length + sidecars;
  const gated = objectsAt(status, 'conditions').some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  const start = gated ? 'SchedulingGated' : (stringAt(status, 'reason') ?? phase);
  let restarts = init.all;
  let reason = init.reason ?? start;
  let ready = init.ready;
  if (init.reason === undefined || hasCondition(pod, 'Initialized')) {
    restarts = init.sidecars;
    const main = summarizeMain(pod, reason, restarts);
    reason = main.reason;
    ready += main.ready;
  }
  const isEnded = phase === 'Failed' || phase === 'Succeeded';
  if (stringAt(objectAt(pod, 'metadata'), 'deletionTimestamp') !== undefined) {
    if (stringAt(status, 'reason') === 'NodeLost') reason = 'Unknown';
    else if (!isEnded) reason = 'Terminating';
  }
  const ago = restarts.count > 0 && restarts.last !== '' ? ` (${since(restarts.last, now)} ago)` : '';
  return { ready: `${ready}/${total}`, status: reason, restarts: `${restarts.count}${ago}` };
}

function readinessGates(pod: JsonObject): string {
  const gates = objectsAt(objectAt(pod, 'spec'), 'readinessGates');
  if (gates.length === 0) return '<none>';
  const open = gates.filter((gate) => hasCondition(pod, stringAt(gate, 'conditionType') ?? '')).length;
  return `${open}/${gates.length}`;
}

const orNone = (value: string | undefined): string =>
  value === undefined || value === '' ? '<none>' : value;

export const podTable = table([
  nameColumn,
  { name: 'Ready', cell: (pod, now) => summarize(pod, now).ready },
  { name: 'Status', cell: (pod, now) => summarize(pod, now).status },
  { name: 'Restarts', cell: (pod, now) => summarize(pod, now).restarts },
  ageColumn,
  {
    name: 'IP',
    wide: true,
    cell: (pod) =>
      orNone(
        stringAt(objectsAt(objectAt(pod, 'status'), 'podIPs')[0], 'ip') ??
          stringAt(objectAt(pod, 'status'), 'podIP'),
      ),
  },
  { name: 'Node', wide: true, cell: (pod) => orNone(stringAt(objectAt(pod, 'spec'), 'nodeName')) },
  {
    name: 'Nominated Node',
    wide: true,
    cell: (pod) => orNone(stringAt(objectAt(pod, 'status'), 'nominatedNodeName')),
  },
  { name: 'Readiness Gates', wide: true, cell: readinessGates },
]);

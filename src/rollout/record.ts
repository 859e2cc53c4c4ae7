/**
 * The rollout's memory: a ConfigMap in the namespace itself, so that anyone may pick the rollout up from anywhere.
 * Whoever may write that ConfigMap could otherwise make Padlock write what they may not, so a record is read with suspicion:
 * only the exact shapes that the planner makes are accepted (see `record-parser.ts`).
 */
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';
import type { RolloutState } from './machine.ts';
import { parseRecord } from './record-parser.ts';
import { resourceOf, type Write } from './write.ts';

export const recordName = 'padlock-rollout';
const stateKey = 'state.json';

export interface SavedRollout {
  readonly state: RolloutState;
  /** RFC 3339. */
  readonly savedAt: string;
}

/**
 * @returns the namespace's record, or undefined where no rollout was ever begun there
 * @throws PadlockError `INPUT_INVALID` for a record that Padlock did not write, or a later version wrote
 */
export async function readRecord(cluster: Cluster, namespace: string): Promise<SavedRollout | undefined> {
  const object = await cluster.get(resourceOf('ConfigMap'), namespace, recordName);
  const text = asText(dig(object, 'data', stateKey));
  if (object === undefined || text === undefined) return undefined;
  try {
    return parseRecord(JSON.parse(text), namespace);
  } catch (cause) {
    if (!(cause instanceof PadlockError) && !(cause instanceof SyntaxError)) throw cause;
    throw new PadlockError(
      'INPUT_INVALID',
      `ConfigMap ${namespace}/${recordName} is not a rollout record that can be trusted: ${cause.message}`,
      {
        cause,
        hint: `look at it (kubectl get configmap -n ${namespace} ${recordName} -o yaml); once it is deleted, a new rollout starts from what is there`,
      },
    );
  }
}

/** The write that saves a state. The summary is for people who find the ConfigMap. */
export function recordWrite(state: RolloutState, savedAt: string): Write {
  const { namespace } = state.plan;
  const manifest: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: recordName,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock' },
    },
    data: {
      summary: summaryOf(state),
      [stateKey]: JSON.stringify({ version: 1, savedAt, state }),
    },
  };
  return { kind: 'apply', manifest };
}

function summaryOf(state: RolloutState): string {
  const because = state.reason === undefined ? '' : `: ${state.reason}`;
  const total = state.plan.steps.length;
  const at =
    state.direction === 'forward' ? `step ${Math.min(state.reached + 1, total)} of ${total}` : 'going back';
  return state.status === 'running' ? `running, ${at}` : `${state.status}${because}`;
}

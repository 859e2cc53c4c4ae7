/**
 * The rollout's memory: a ConfigMap in the namespace itself, so that anyone may pick the rollout up from anywhere.
 * Whoever may write that ConfigMap could otherwise make Padlock write what they may not, so a record is read with suspicion:
 * only the exact shapes that the planner makes are accepted (see `record-parser.ts`).
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asText, dig } from '../sources/json-value.ts';
import { type Book, newBook } from './book.ts';
import type { RolloutState } from './machine.ts';
import { parseRecord } from './record-parser.ts';
import { resourceOf, type Write } from './write.ts';

export const recordName = 'padlock-rollout';
const stateKey = 'state.json';
const packedKey = 'state.json.gz';
/** A ConfigMap holds 1 MiB; hundreds of workloads make a longer record, which packs to a twentieth. */
const packedFrom = 256 * 1024;
const unpackedMost = 64 * 1024 * 1024;

export interface SavedRollout {
  readonly state: RolloutState;
  /** RFC 3339. */
  readonly savedAt: string;
  readonly book: Book;
}

/** True where a run can take it up. */
export function isUnfinished({ status }: RolloutState): boolean {
  return status === 'running' || status === 'paused';
}

/**
 * @returns the namespace's record, or undefined where no rollout was ever begun there
 * @throws PadlockError `INPUT_INVALID` for a record that Padlock did not write, or a later version wrote
 */
export async function readRecord(cluster: Cluster, namespace: string): Promise<SavedRollout | undefined> {
  const object = await cluster.get(resourceOf('ConfigMap'), namespace, recordName);
  if (object === undefined) return undefined;
  try {
    const text = textOf(object);
    return text === undefined ? undefined : parseRecord(JSON.parse(text), namespace);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
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

function textOf(object: KubeObject): string | undefined {
  const packed = asText(dig(object, 'binaryData', packedKey));
  if (packed === undefined) return asText(dig(object, 'data', stateKey));
  return gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: unpackedMost }).toString('utf8');
}

/** The write that saves a state. The summary is for people who find the ConfigMap. */
export function recordWrite(state: RolloutState, savedAt: string, book: Book = newBook(savedAt)): Write {
  const { namespace } = state.plan;
  const text = JSON.stringify({ version: 1, savedAt, state, book });
  const summary = summaryOf(state);
  const manifest: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: recordName,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'padlock' },
    },
    ...(text.length < packedFrom
      ? { data: { summary, [stateKey]: text } }
      : { data: { summary }, binaryData: { [packedKey]: gzipSync(text).toString('base64') } }),
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

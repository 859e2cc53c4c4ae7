/**
 * Where a run's live view stands: a key beside the record, under a field manager of its own, so that saving the record leaves
 * it alone. It is for looking at only, and read with as little trust as the record: whoever may write the ConfigMap may write it.
 */
import { PadlockError } from '../errors.ts';
import type { KubeObject } from '../istio/kubernetes.ts';
import type { Cluster } from '../sources/cluster.ts';
import { asNumber, asObjects, asText, dig } from '../sources/json-value.ts';
import { applyBesideRecord } from './beside-record.ts';
import type { Timing } from './carry-out.ts';
import {
  type Live,
  type LiveProof,
  type LiveSenders,
  type LiveView,
  type LiveWindow,
  liveTasks,
} from './live.ts';
import { recordName } from './record.ts';
import { resourceOf } from './write.ts';

const liveKey = 'live.json';
const liveManager = 'padlock-live';
/** Never oftener: it is read by people. */
const everyMs = 1_500;

/** @returns undefined where no run has told anything, or it is not to be understood */
export function liveOf(record: KubeObject | undefined): Live | undefined {
  const text = asText(dig(record, 'data', liveKey));
  if (text === undefined) return undefined;
  try {
    return parseLive(JSON.parse(text));
  } catch (error) {
    // Nothing rests on it; the record itself is judged by its own parser.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @throws PadlockError what the API server refuses */
export async function readLive(cluster: Cluster, namespace: string): Promise<Live | undefined> {
  return liveOf(await cluster.get(resourceOf('ConfigMap'), namespace, recordName));
}

/**
 * Writes the view down whenever it has changed, until `ended`, and once more then.
 * @param isSaved whether there is a record already: nothing is written beside one that is not there
 */
export async function keepLive(
  view: LiveView,
  { cluster, clock, namespace, isSaved }: LiveEffects,
  ended: AbortSignal,
): Promise<void> {
  let written = '';
  for (let last = false; !last; ) {
    try {
      await clock.sleep(everyMs, ended);
    } catch (error) {
      if (!ended.aborted) throw error;
    }
    last = ended.aborted;
    if (!isSaved()) continue;
    const { at: _at, ...rest } = view.look();
    const text = JSON.stringify(rest);
    if (text === written) continue;
    if (await write(cluster, namespace, JSON.stringify(view.look()))) written = text;
  }
}

export interface LiveEffects {
  readonly cluster: Cluster;
  readonly clock: Timing;
  readonly namespace: string;
  readonly isSaved: () => boolean;
}

/** @returns false where it could not be written: the rollout goes on all the same, its own requests say what is wrong */
async function write(cluster: Cluster, namespace: string, text: string): Promise<boolean> {
  try {
    await applyBesideRecord(cluster, namespace, liveManager, { [liveKey]: text });
    return true;
  } catch (error) {
    if (error instanceof PadlockError) return false;
    throw error;
  }
}

function parseLive(value: unknown): Live | undefined {
  const startedAt = asText(dig(value, 'startedAt'));
  const at = asText(dig(value, 'at'));
  const by = asText(dig(value, 'by'));
  const task = liveTasks.find((one) => one === dig(value, 'task'));
  if (startedAt === undefined || at === undefined || by === undefined || task === undefined) return undefined;
  const detail = asText(dig(value, 'detail'));
  const proof = parseProof(dig(value, 'proof'));
  return {
    startedAt,
    at,
    by,
    task,
    ...(detail === undefined ? {} : { detail }),
    windows: asObjects(dig(value, 'windows')).flatMap(parseWindow),
    ...(proof === undefined ? {} : { proof }),
    lines: asObjects(dig(value, 'lines')).map((line) => ({
      at: asText(line.at) ?? '',
      text: asText(line.text) ?? '',
    })),
  };
}

function parseWindow(value: unknown): readonly LiveWindow[] {
  const kind = (['baseline', 'plaintext', 'harm'] as const).find((one) => one === dig(value, 'kind'));
  const number = (field: string): number => asNumber(dig(value, field)) ?? 0;
  if (kind === undefined) return [];
  return [
    {
      step: number('step'),
      back: dig(value, 'back') === true,
      kind,
      over: dig(value, 'over') === true,
      forSeconds: number('forSeconds'),
      seconds: number('seconds'),
      requests: number('requests'),
      failed: number('failed'),
      plaintext: parseSenders(dig(value, 'plaintext')),
      refused: parseSenders(dig(value, 'refused')),
      blind: number('blind'),
      servers: number('servers'),
      worst: asObjects(dig(value, 'worst')).map((tally) => ({
        name: asText(tally.name) ?? '',
        requests: asNumber(tally.requests) ?? 0,
        failed: asNumber(tally.failed) ?? 0,
      })),
      unseen: texts(dig(value, 'unseen')),
    },
  ];
}

function parseSenders(value: unknown): LiveSenders {
  return {
    total: asNumber(dig(value, 'total')) ?? 0,
    senders: asObjects(dig(value, 'senders')).map((sender) => ({
      to: asText(sender.to) ?? '',
      from: asText(sender.from) ?? '',
      count: asNumber(sender.count) ?? 0,
    })),
  };
}

function parseProof(value: unknown): LiveProof | undefined {
  const verdict = (['PROVEN', 'FAILED', 'INCONCLUSIVE'] as const).find(
    (one) => one === dig(value, 'verdict'),
  );
  if (verdict === undefined) return undefined;
  return {
    mode: asText(dig(value, 'mode')) ?? '',
    verdict,
    proven: asNumber(dig(value, 'proven')) ?? 0,
    ports: asNumber(dig(value, 'ports')) ?? 0,
    open: texts(dig(value, 'open')),
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

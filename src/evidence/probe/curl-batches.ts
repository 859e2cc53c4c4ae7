/**
 * Many requests by few runs of curl: those that wait for the same container go together. A run in a container costs far
 * more than a request, for the API server and for the node.
 */
import { PadlockError } from '../../errors.ts';
import type { Cluster } from '../../sources/cluster.ts';
import {
  type Container,
  type Curl,
  type CurlRequest,
  type CurlResult,
  NoCurl,
  runCurl,
  singleCurl,
  unknownExit,
} from './curl.ts';

/** The command stands in the request's URL, which proxies before an API server may limit to 8 kB. */
const maxTogether = 12;
const maxRuns = 4;
/** How long a request waits for others to go with it. */
const gatherMs = 60;

export interface BatchEffects {
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting extends CurlRequest {
  readonly resolve: (result: CurlResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue {
  readonly where: Container;
  readonly waiting: Waiting[];
  running: number;
  /** Until the first of those that wait has waited long enough. */
  gathering: boolean;
  /** Why no run of curl is possible there; it is not tried again. */
  barred?: unknown;
}

/** Exit codes after which a request is made again on its own: no code, no address, no connection, no proxy. */
const unclear: ReadonlySet<number> = new Set([unknownExit, 6, 7, 97]);

export function curlInBatches(cluster: Cluster, effects: BatchEffects): Curl {
  const { signal } = effects;
  const queues = new Map<string, Queue>();
  const alone = singleCurl(cluster);
  const pump = (queue: Queue): void => {
    const least = queue.gathering ? maxTogether : 1;
    while (queue.running < maxRuns && queue.waiting.length >= least) {
      const batch = queue.waiting.splice(0, maxTogether);
      queue.running += 1;
      void runBatch(queue, batch).finally(() => {
        queue.running -= 1;
        pump(queue);
      });
    }
  };
  const gather = async (queue: Queue): Promise<void> => {
    queue.gathering = true;
    try {
      await effects.sleep(gatherMs);
    } catch (error) {
      for (const one of queue.waiting.splice(0)) one.reject(error);
    } finally {
      queue.gathering = false;
    }
    pump(queue);
  };
  const runBatch = async (queue: Queue, batch: readonly Waiting[]): Promise<void> => {
    const { where } = queue;
    try {
      const results = await runCurl(cluster, where, batch, signal);
      await Promise.all(
        batch.map(async (one, index) => {
          const result = results[index];
          if (batch.length > 1 && (result === undefined || unclear.has(result.exitCode))) {
            return settle(one, alone(where, one.url, one.options));
          }
          return settle(one, result);
        }),
      );
    } catch (error) {
      const counts = error instanceof NoCurl || isForbidden(error) || signal?.aborted === true;
      if (error instanceof NoCurl || isForbidden(error)) queue.barred = error;
      if (batch.length === 1 || counts) for (const one of batch) one.reject(error);
      // Too much of an answer, or a run that was cut off: each is asked for on its own.
      else for (const one of batch) await settle(one, alone(where, one.url, one.options));
    }
  };
  return (where, url, options) => {
    // A bare connection lasts until its time is up; nothing waits behind it.
    if (url.startsWith('telnet:')) return alone(where, url, options);
    const key = `${where.namespace}/${where.pod}/${where.container}`;
    const queue = queues.get(key) ?? { where, waiting: [], running: 0, gathering: false };
    queues.set(key, queue);
    if (queue.barred !== undefined) return Promise.reject(queue.barred);
    return new Promise((resolve, reject) => {
      queue.waiting.push({ url, options, resolve, reject });
      if (queue.gathering) pump(queue);
      else void gather(queue);
    });
  };
}

async function settle(one: Waiting, result: CurlResult | Promise<CurlResult> | undefined): Promise<void> {
  try {
    const known = await result;
    if (known === undefined) throw new Error('curl gave no result');
    one.resolve(known);
  } catch (error) {
    one.reject(error);
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof PadlockError && error.code === 'CLUSTER_FORBIDDEN';
}

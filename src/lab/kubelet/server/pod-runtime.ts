/**
 * What a kubelet server needs of whatever runs the pods of its node: the lab's pods in one process, or any other
 * runtime that keeps the same promises.
 */
import type { Duplex } from 'node:stream';
import type { LogOptions, PodName, RunningContainer } from '../kubelet.ts';

export interface PodRuntime {
  /**
   * The container, while it runs. Synchronous, so that a refusal can still be an HTTP answer.
   * @throws ApiStatus NotFound where there is no such pod, BadRequest for a container that the pod has not,
   * InternalError for one that does not run
   */
  running(pod: PodName, container: string): RunningContainer;
  /**
   * Lines of the container's log, each ended by a newline; ends at once without `follow`, and when the signal is
   * aborted.
   * @throws ApiStatus as `running` does, and BadRequest where a previous run was asked for and there was none
   */
  logs(pod: PodName, options: LogOptions, signal: AbortSignal): AsyncIterable<string>;
  /** Connects to a port inside the pod, as port-forward does. Rejects with a Node socket error (ECONNREFUSED). */
  dial(pod: PodName, port: number, entry: 'loopback'): Promise<Duplex>;
}

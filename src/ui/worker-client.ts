/** Asks the worker; one promise a question. */
import type { Questions, Reply, Topic } from './worker/protocol.ts';

export class WorkerError extends Error {
  /** The HTTP status behind it; 0 for none. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class WorkerClient {
  readonly #worker = new Worker('/worker.js', { type: 'module' });
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
      const waiting = this.#waiting.get(data.number);
      this.#waiting.delete(data.number);
      if ('error' in data) waiting?.reject(new WorkerError(data.error, data.status));
      else waiting?.resolve(data.answer);
    });
    this.#worker.addEventListener('error', (event) => {
      for (const { reject } of this.#waiting.values()) reject(new WorkerError(event.message, 0));
      this.#waiting.clear();
    });
  }

  ask<Name extends Topic>(topic: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> {
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      // The worker answers each topic with the type that the protocol names for it.
      this.#waiting.set(number, {
        resolve: (answer) => resolve(answer as Questions[Name]['answer']),
        reject,
      });
      this.#worker.postMessage({ number, topic, ask });
    });
  }
}

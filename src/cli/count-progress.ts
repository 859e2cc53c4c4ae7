/** A count of what is done, on one line of a terminal that overwrites itself; nothing elsewhere. */
import type { Output } from './context.ts';

export interface CountProgress {
  readonly update: (done: number, total: number) => void;
  /** Takes the line away. */
  clear(): Promise<void>;
}

const eraseLine = '\r\u001b[K';

export function countProgress(output: Output, what: string): CountProgress {
  if (!output.isTTY) return { update: () => undefined, clear: async () => undefined };
  let last = Promise.resolve();
  return {
    update(done, total) {
      const wanted = `${eraseLine}${what} ${done} of ${total}`;
      last = last.then(() => output.write(wanted));
    },
    async clear() {
      await last;
      await output.write(eraseLine);
    },
  };
}

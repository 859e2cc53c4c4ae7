/** A bar and a count of what is done, on one line of a terminal that overwrites itself; nothing elsewhere. */
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
      const wanted = `${eraseLine}${what} ${bar(done, total)} ${done} of ${total}`;
      last = last.then(() => output.write(wanted));
    },
    async clear() {
      await last;
      await output.write(eraseLine);
    },
  };
}

const barWidth = 24;

/** `█████░░░░░`: full only when all is done. */
function bar(done: number, total: number): string {
  const filled = total === 0 ? barWidth : Math.floor((done / total) * barWidth);
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

import type { StartMessage } from './spawn-lab.ts';

/** Says over the channel to the process that started this one how the start went; nothing where there is no channel. */
export function tellParent(message: StartMessage): void {
  if (process.connected !== true) return;
  // A parent that has gone meanwhile no longer waits for the answer.
  process.send?.(message, undefined, undefined, () => undefined);
}

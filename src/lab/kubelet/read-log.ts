/** `kubectl logs`: the lines of a ring that the options ask for, and the ones that come while it is followed. */
import type { LogOptions } from './kubelet.ts';
import type { LogLine, LogRing } from './log-ring.ts';

export async function* readLog(
  ring: LogRing,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { tailLines, sinceTime, follow } = options;
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const old = ring.from(0).filter((line) => sinceTime === undefined || line.time >= sinceTime);
  const first = tailLines === undefined ? old : tailLines === 0 ? [] : old.slice(-tailLines);
  let next = ring.from(0).at(-1)?.index ?? -1;
  for (const line of first) {
    const text = format(line, options.timestamps);
    if (Buffer.byteLength(text) > left) return;
    left -= Buffer.byteLength(text);
    yield text;
  }
  while (follow && !signal.aborted) {
    const fresh = ring.from(next + 1);
    for (const line of fresh) {
      next = line.index;
      yield format(line, options.timestamps);
    }
    if (fresh.length === 0 && ring.ended) return;
    if (fresh.length === 0) await ring.changed(signal);
  }
}

function format(line: LogLine, timestamps: boolean): string {
  if (!timestamps) return `${line.text}\n`;
  // Kubelets print nanoseconds.
  return `${line.time.toISOString().replace('Z', '000000Z')} ${line.text}\n`;
}

/** Time and memory of `padlock check` from 1,000 to 50,000 pods: what a pod costs must stay the same. */
import { benchInput } from './inputs.ts';
import { figuresLine, measurePadlock } from './measure.ts';
import type { Part } from './part.ts';

const sizes = [1000, 5000, 10_000, 25_000, 50_000] as const;

export const scalePart: Part = {
  name: 'scale',
  brief: 'padlock check from 1,000 to 50,000 pods: time and memory for each pod more',
  async run(bench) {
    const points: { readonly pods: number; readonly cpuMs: number; readonly peakMB: number }[] = [];
    for (const pods of sizes) {
      const { file } = benchInput(bench.folder, pods, 'short', 'documents');
      const measured = await measurePadlock(['check', '-f', file], { runs: 3, codes: [0, 1] });
      bench.say(`${pods.toLocaleString('en')} pods: ${figuresLine(measured)}`);
      points.push({ pods, ...measured.median });
    }
    const [first, , middle, , last] = points;
    if (first === undefined || middle === undefined || last === undefined) return;
    const perPod = (from: typeof first, to: typeof first) => ({
      us: ((to.cpuMs - from.cpuMs) * 1000) / (to.pods - from.pods),
      kB: ((to.peakMB - from.peakMB) * 1024) / (to.pods - from.pods),
    });
    const lower = perPod(first, middle);
    const upper = perPod(middle, last);
    bench.say(
      `each pod more: ${lower.us.toFixed(0)} µs CPU and ${lower.kB.toFixed(1)} kB up to 10,000; ${upper.us.toFixed(0)} µs and ${upper.kB.toFixed(1)} kB from there to 50,000`,
    );
    bench.target('CPU of a pod beyond 10,000, against one below', upper.us / lower.us, 1.5, 'times');
    bench.target('memory of a pod beyond 10,000, against one below', upper.kB / lower.kB, 1.5, 'times');
  },
};

/** `padlock check` on a mesh of 10,000 pods, as whole processes, and beside `istioctl analyze` where it is installed. */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { type BenchInput, benchInput } from './inputs.ts';
import { figuresLine, measurePadlock, median, ms } from './measure.ts';
import type { Bench, Part } from './part.ts';

/** Findings are what these meshes are made for. */
const codes = [0, 1];

export const checkPart: Part = {
  name: 'check',
  brief: 'padlock check on 10,000 pods in YAML, as whole processes',
  async run(bench) {
    const short = benchInput(bench.folder, 10_000, 'short', 'documents');
    const measured = await measureInput(bench, short);
    bench.target('check, 10,000 pods', measured.wallMs, 1200, 'ms');
    bench.target('check, 10,000 pods, peak memory', measured.peakMB, 350, 'MB');
    compareWithIstioctl(bench, short, measured.wallMs);
    // Twelve times the text: what an API server and injection put into a pod. No target but the memory's.
    const full = await measureInput(bench, benchInput(bench.folder, 10_000, 'full', 'list'));
    bench.target('check, 10,000 pods in full, peak memory', full.peakMB, 350, 'MB');
    await measureInput(bench, benchInput(bench.folder, 10_000, 'short', 'json'));
  },
};

async function measureInput(
  { say }: Bench,
  input: BenchInput,
): Promise<{ readonly wallMs: number; readonly peakMB: number }> {
  const measured = await measurePadlock(['check', '-f', input.file], { codes });
  const { wallMs } = measured.median;
  say(
    `${input.pods.toLocaleString('en')} pods, ${input.style}, ${input.form}, ${megabytes(input.bytes)}: ${figuresLine(measured)}, ${(input.bytes / 1000 / wallMs).toFixed(0)} MB/s`,
  );
  return measured.median;
}

function compareWithIstioctl({ say }: Bench, input: BenchInput, ownMs: number): void {
  const words = ['analyze', '--use-kube=false', input.file];
  const times: number[] = [];
  for (let run = 0; run < 3; run++) {
    const started = performance.now();
    const { error } = spawnSync('istioctl', words, { stdio: 'ignore' });
    if (error !== undefined) {
      say('istioctl is not installed: no comparison with `istioctl analyze`');
      return;
    }
    times.push(performance.now() - started);
  }
  say(
    `istioctl ${words.slice(0, 2).join(' ')} on the same file: ${ms(median(times))}, ${(median(times) / ownMs).toFixed(1)} times as long`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Whole processes, measured from start to end, and the figures of several runs. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

export interface Figures {
  readonly wallMs: number;
  /** User and system time, of all threads. */
  readonly cpuMs: number;
  /** The most memory that the process ever had, in MB of 1024 * 1024 bytes. */
  readonly peakMB: number;
}

export interface Measured {
  readonly median: Figures;
  readonly fastest: Figures;
  readonly slowest: Figures;
  readonly code: number;
}

export const bin = join(import.meta.dirname, '..', 'bin', 'padlock.js');

/** The measured process writes its own account at its end: the operating system's, for the whole process. */
const account = `data:text/javascript,${encodeURIComponent(`
import { writeFileSync } from 'node:fs';
process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  writeFileSync(process.env.PADLOCK_BENCH_ACCOUNT, JSON.stringify({ maxRSS, cpu: userCPUTime + systemCPUTime }));
});`)}`;

/**
 * Runs `padlock` several times, after one run that is not counted.
 * @throws Error when a run ends in another way than with one of the exit codes
 */
export async function measurePadlock(
  words: readonly string[],
  { runs = 5, codes = [0] }: { readonly runs?: number; readonly codes?: readonly number[] } = {},
): Promise<Measured> {
  await runOnce(words, codes);
  const all: (Figures & { readonly code: number })[] = [];
  for (let run = 0; run < runs; run++) all.push(await runOnce(words, codes));
  const of = (pick: (values: readonly number[]) => number): Figures => ({
    wallMs: pick(all.map(({ wallMs }) => wallMs)),
    cpuMs: pick(all.map(({ cpuMs }) => cpuMs)),
    peakMB: pick(all.map(({ peakMB }) => peakMB)),
  });
  return {
    median: of(median),
    fastest: of((values) => Math.min(...values)),
    slowest: of((values) => Math.max(...values)),
    code: all[0]?.code ?? 0,
  };
}

function runOnce(
  words: readonly string[],
  codes: readonly number[],
): Promise<Figures & { readonly code: number }> {
  const file = join(tmpdir(), `padlock-bench-${process.pid}.json`);
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { promise, resolve, reject } = Promise.withResolvers<Figures & { readonly code: number }>();
  const started = performance.now();
  const options = { env: { ...env, PADLOCK_BENCH_ACCOUNT: file }, maxBuffer: 1 << 30 };
  execFile(process.execPath, ['--import', account, bin, ...words], options, (error, _stdout, stderr) => {
    const wallMs = performance.now() - started;
    const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
    if (!codes.includes(code))
      return reject(new Error(`padlock ${words.join(' ')} ended with ${code}: ${stderr}`));
    const { maxRSS, cpu } = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(file);
    resolve({ wallMs, cpuMs: cpu / 1000, peakMB: maxRSS / 1024, code });
  });
  return promise;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** `Time 712 ms (median of 5; 690 … 760), CPU 690 ms, peak memory 201 MB`. */
export function figuresLine({ median: middle, fastest, slowest }: Measured): string {
  const spread = `${ms(fastest.wallMs)} … ${ms(slowest.wallMs)}`;
  return `time ${ms(middle.wallMs)} (median; ${spread}), CPU ${ms(middle.cpuMs)}, peak memory ${middle.peakMB.toFixed(0)} MB`;
}

export function ms(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`;
}

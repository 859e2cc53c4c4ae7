/**
 * `npm run bench`, or `npm run bench -- PART...`: prints the machine, the inputs, and for each part its figures. Targets are
 * printed with `held` or `MISSED`; a miss ends in exit code 1. A new part is one line here.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { checkPart } from './check.ts';
import { dashboardPart } from './dashboard.ts';
import { labPart } from './lab.ts';
import type { Bench, Part } from './part.ts';
import { scalePart } from './scale.ts';
import { startupPart } from './startup.ts';
import { verifyPart } from './verify.ts';
import { whatIfPart } from './what-if.ts';

const parts: readonly Part[] = [
  startupPart,
  checkPart,
  scalePart,
  whatIfPart,
  labPart,
  verifyPart,
  dashboardPart,
];

const root = join(import.meta.dirname, '..');
const folder = join(root, '.cache', 'bench');
let missed = 0;

const bench: Bench = {
  folder,
  say: (line) => process.stdout.write(`  ${line}\n`),
  target(what, value, most, unit) {
    const held = value <= most;
    if (!held) missed++;
    const shown = value < 10 ? value.toFixed(2) : value.toFixed(0);
    process.stdout.write(`    ${held ? 'held' : 'MISSED'}: ${what}: ${shown} ${unit}, at most ${most}\n`);
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  const names = parts.map(({ name, brief }) => `  ${name.padEnd(10)} ${brief}`).join('\n');
  process.stderr.write(`no such part: ${unknown.join(', ')}\n${names}\n`);
  process.exit(2);
}

mkdirSync(folder, { recursive: true });
const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (built.status !== 0) process.exit(2);

const [processor] = cpus();
process.stdout.write(
  `${cpus().length} × ${processor?.model.trim() ?? 'processor'}, ${(totalmem() / 1024 ** 3).toFixed(0)} GB, ${process.platform} ${release()}, Node ${process.versions.node}, load ${loadavg()
    .map((load) => load.toFixed(2))
    .join(' ')}\n`,
);
for (const part of parts) {
  if (asked.length > 0 && !asked.includes(part.name)) continue;
  process.stdout.write(`\n${part.name}: ${part.brief}\n`);
  await part.run(bench);
}
process.stdout.write(missed === 0 ? '\nevery target was held\n' : `\n${missed} targets were MISSED\n`);
process.exitCode = missed === 0 ? 0 : 1;

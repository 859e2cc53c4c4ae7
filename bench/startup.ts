/** How long a command takes that does next to nothing: what a shell prompt or a completion waits for. */
import { figuresLine, measurePadlock } from './measure.ts';
import type { Part } from './part.ts';

export const startupPart: Part = {
  name: 'startup',
  brief: 'padlock --version and padlock --help, as whole processes',
  async run(bench) {
    const version = await measurePadlock(['--version'], { runs: 15 });
    bench.say(`padlock --version: ${figuresLine(version)}`);
    bench.target('padlock --version', version.median.wallMs, 120, 'ms');
    bench.say(`padlock --help: ${figuresLine(await measurePadlock(['--help'], { runs: 15 }))}`);
  },
};

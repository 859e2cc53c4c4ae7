/** `padlock lab up`: starts a lab, in the background unless told otherwise, and says how to use it. */
import { ExitCode } from '../../errors.ts';
import { labFolder, labRoot } from '../../lab/daemon/lab-folder.ts';
import { spawnLab } from '../../lab/daemon/spawn-lab.ts';
import { scenario } from '../../lab/scenarios/scenarios.ts';
import type { LabUpFlags } from '../commands/lab.route.ts';
import type { Context } from '../context.ts';
import { serveOptions, serveWords } from './options.ts';
import { runServedLab } from './run-served-lab.ts';
import { exportLine, upText } from './up-text.ts';

export default async function labUp(this: Context, flags: LabUpFlags): Promise<void> {
  this.finishOnInterrupt();
  const { name, merge } = flags;
  const say = async (up: {
    readonly server: string;
    readonly kubeconfig: string;
    readonly context: string;
    readonly nodes: number;
    readonly hasCurl: boolean;
  }): Promise<void> => {
    const foreground = flags.foreground === true;
    await this.stderr.write(
      upText({
        ...up,
        name,
        merged: merge === true,
        scenario: flags.scenario === undefined ? undefined : scenario(flags.scenario).brief,
        program: this.program,
        foreground,
        shellLineShown: this.stdout.isTTY,
      }),
    );
    await this.stdout.write(exportLine(up.kubeconfig));
  };
  const options = serveOptions(flags, this);
  if (flags.foreground === true) {
    const end = await runServedLab(options, this, (served) =>
      say({ ...served.state, nodes: served.nodes, hasCurl: served.hasCurl }),
    );
    await this.stderr.write(`Lab "${name}" is down.\n`);
    if (end === 'interrupted') this.setExitCode(ExitCode.interrupted);
    return;
  }
  const up = await spawnLab({
    folder: labFolder(labRoot(this.env, this.cwd), name),
    words: serveWords(flags, this.cwd),
    env: this.env,
    signal: this.signal,
  });
  await say(up);
}

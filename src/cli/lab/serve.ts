/** `padlock lab serve`: the process behind `padlock lab up`. It tells its parent once how the start went. */
import { PadlockError } from '../../errors.ts';
import { tellParent } from '../../lab/daemon/tell-parent.ts';
import type { LabServeFlags } from '../commands/lab.route.ts';
import type { Context } from '../context.ts';
import { serveOptions } from './options.ts';
import { runServedLab } from './run-served-lab.ts';

export default async function labServe(this: Context, flags: LabServeFlags): Promise<void> {
  this.finishOnInterrupt();
  let told = false;
  try {
    await runServedLab(serveOptions(flags, this), this, async ({ state, hasCurl, nodes }) => {
      const { server, context, kubeconfig } = state;
      told = true;
      tellParent({ kind: 'ready', server, context, kubeconfig, hasCurl, nodes });
    });
  } catch (error) {
    if (!told && error instanceof PadlockError) {
      tellParent({ kind: 'failed', code: error.code, sentence: error.message, hint: error.hint });
    }
    throw error;
  }
}

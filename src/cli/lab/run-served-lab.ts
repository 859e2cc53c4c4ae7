/** Runs a lab in this process until Ctrl-C, or until `padlock lab down` asks it to end. */
import { PadlockError } from '../../errors.ts';
import { type ServedLab, type ServeOptions, serveLab } from '../../lab/daemon/serve-lab.ts';
import type { Context } from '../context.ts';
import { labDashboard } from './lab-console.ts';

/**
 * @returns why it ended
 * @throws PadlockError `INTERRUPTED` when the signal came before the lab was up, and what `serveLab` throws
 */
export async function runServedLab(
  options: ServeOptions,
  context: Pick<Context, 'signal' | 'stderr' | 'clock' | 'nonce' | 'connect'>,
  onReady: (lab: ServedLab) => Promise<void>,
): Promise<'asked' | 'interrupted'> {
  const { signal, stderr } = context;
  const onProblem = (sentence: string, error: unknown): void => {
    void stderr.write(`${sentence}: ${error instanceof Error ? error.message : String(error)}\n`);
  };
  const console = labDashboard(context);
  const served = await serveLab({ ...options, lab: { ...options.lab, onProblem, console } });
  console.open(served.state.kubeconfig);
  try {
    if (signal.aborted)
      throw new PadlockError('INTERRUPTED', 'interrupted; the lab that was starting is ended');
    await onReady(served);
    await Promise.race([served.stopAsked, aborted(signal)]);
    return signal.aborted ? 'interrupted' : 'asked';
  } finally {
    await console.close();
    await served.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

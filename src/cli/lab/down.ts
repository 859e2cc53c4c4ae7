/** `padlock lab down`: ends a lab, or cleans up after one that ended without a word. */
import { knownLabs, labFolder, labRoot } from '../../lab/daemon/lab-folder.ts';
import { type Ending, endLab, findLab } from '../../lab/daemon/running-lab.ts';
import type { LabNameFlags } from '../commands/lab.route.ts';
import type { Context } from '../context.ts';

export default async function labDown(this: Context, { name }: LabNameFlags): Promise<void> {
  const root = labRoot(this.env, this.cwd);
  const ending = await endLab(labFolder(root, name));
  await this.stderr.write(`${sentences[ending](name)}\n`);
  if (ending !== 'absent') return;
  const others = await runningLabs(root);
  if (others.length > 0) await this.stderr.write(`Running: ${others.join(', ')}; choose with --name.\n`);
}

const sentences: Readonly<Record<Ending, (name: string) => string>> = {
  stopped: (name) => `Lab "${name}" is down.`,
  killed: (name) => `Lab "${name}" did not answer and was killed.`,
  cleaned: (name) => `Lab "${name}" had ended without a word; what it left is removed.`,
  absent: (name) => `No lab "${name}" is running.`,
};

async function runningLabs(root: string): Promise<readonly string[]> {
  const standing = await Promise.all(
    knownLabs(root).map(async (name) => ({ name, ...(await findLab(labFolder(root, name))) })),
  );
  return standing.filter(({ kind }) => kind === 'running').map(({ name }) => name);
}

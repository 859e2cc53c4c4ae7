/** Writes a plan's files into a folder of their own. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { planFiles } from '../../plan/files.ts';
import type { NamespacePlan } from '../../plan/namespace-plan.ts';
import type { Target } from '../../plan/target.ts';
import type { Context } from '../context.ts';
import { writeFileWhole } from '../write-file.ts';

/**
 * @throws PadlockError `FILE_NOT_WRITABLE`; also where the folder holds something that is no plan
 */
export async function writePlanFiles(
  context: Context,
  out: string,
  plan: NamespacePlan,
  target: Target,
): Promise<void> {
  const folder = resolve(context.cwd, out);
  await refuseForeignFolder(folder, out);
  const files = planFiles(plan, target);
  for (const file of files) {
    const path = join(folder, ...file.path.split('/'));
    await makeFolder(dirname(path));
    await writeFileWhole(path, [file.text]);
  }
  await context.stderr.write(`wrote ${files.length} files to ${out}\n`);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new PadlockError('FILE_NOT_WRITABLE', `${path} cannot be made`, { cause });
  }
}

/** A folder with other things in it is somebody's work; an earlier plan may be replaced. */
async function refuseForeignFolder(folder: string, out: string): Promise<void> {
  const names = await read(() => readdir(folder), [], out);
  if (names.length === 0) return;
  const text = await read(() => readFile(join(folder, 'kustomization.yaml'), 'utf8'), '', out);
  if (text.startsWith('# padlock plan ')) return;
  throw new PadlockError('FILE_NOT_WRITABLE', `${out} is not empty, and what is in it is no plan`, {
    hint: 'name a folder that does not exist yet',
  });
}

async function read<Result>(task: () => Promise<Result>, absent: Result, out: string): Promise<Result> {
  try {
    return await task();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return absent;
    throw new PadlockError('FILE_NOT_WRITABLE', `${out} cannot be written to`, { cause });
  }
}

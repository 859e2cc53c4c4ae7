/** `padlock snapshot`: read, leave out what is secret, save. */
import { resolve } from 'node:path';
import { savedSnapshotText } from '../../report/saved-snapshot-text.ts';
import type { Context } from '../context.ts';
import { snapshotFrom } from '../snapshot-from.ts';
import { writeFileWhole } from '../write-file.ts';
import { ChunkedWriter } from '../write-json.ts';
import type { SnapshotFlags } from './snapshot.route.ts';

export default async function saveSnapshot(
  this: Context,
  flags: SnapshotFlags,
  ...files: readonly string[]
): Promise<void> {
  const { snapshot } = await snapshotFrom(flags, this, files);
  const pieces = savedSnapshotText(snapshot);
  if (flags.output === '-') {
    const writer = new ChunkedWriter(this.stdout);
    for (const piece of pieces) await writer.write(piece);
    return writer.flush();
  }
  await writeFileWhole(resolve(this.cwd, flags.output), pieces);
  const unseen = snapshot.unseen.length === 0 ? '' : `; ${snapshot.unseen.length} kinds could not be read`;
  await this.stderr.write(
    `${flags.output}: ${snapshot.objects.length} objects of ${snapshot.source}${unseen}\n`,
  );
}

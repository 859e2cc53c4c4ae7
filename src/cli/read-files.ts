/** Reads manifests and saved snapshots for a command. */
import { setFlagsFromString } from 'node:v8';
import type { Snapshot } from '../mesh/snapshot.ts';
import type { Context } from './context.ts';

/** @throws what `readManifests` throws */
export async function readFiles(
  context: Pick<Context, 'cwd' | 'stdin'>,
  paths: readonly string[],
): Promise<Snapshot> {
  // What is read mostly stays, so that a larger space for the short-lived saves no time here; it costs a third of the memory
  // (10,000 pods as the API server prints them: 410 MB with it, 275 MB without).
  setFlagsFromString('--semi-space-growth-factor=1');
  const { readManifests } = await import('../sources/manifests/read-manifests.ts');
  return readManifests(paths, { cwd: context.cwd, stdin: () => context.stdin.read() });
}

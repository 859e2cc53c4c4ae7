/** `padlock diff`: read both sides, evaluate, compare, print. */
import packageJson from '../../../package.json' with { type: 'json' };
import { ExitCode, PadlockError } from '../../errors.ts';
import { diffMeshes } from '../../mesh/diff.ts';
import { buildMesh, type Mesh } from '../../mesh/mesh.ts';
import type { Snapshot } from '../../mesh/snapshot.ts';
import { withChange } from '../../mesh/what-if.ts';
import { type DiffReport, diffFails, narrowed } from '../../report/diff/diff-report.ts';
import type { Context } from '../context.ts';
import { readFiles } from '../read-files.ts';
import type { DiffFlags } from './diff.route.ts';

export default async function diff(
  this: Context,
  flags: DiffFlags,
  ...paths: readonly string[]
): Promise<void> {
  const [old, now] = await readSides(this, flags, paths);
  const before = buildMesh(old);
  const after = flags.apply === true ? applied(before, now) : buildMesh(now);
  const namespaces = flags.namespace === undefined ? undefined : [flags.namespace];
  const report: DiffReport = {
    version: packageJson.version,
    before: old.source,
    after: flags.apply === true ? `${old.source} with ${now.source} applied` : now.source,
    failOn: flags.failOn,
    ...narrowed(diffMeshes(before, after), namespaces),
  };
  await this.stdout.write(await render(report, flags, this));
  this.setExitCode(diffFails(report) ? ExitCode.failed : ExitCode.ok);
}

async function render(report: DiffReport, { output }: DiffFlags, { stdout }: Context): Promise<string> {
  switch (output) {
    case 'text': {
      const { renderDiffText } = await import('../../report/diff/diff-text.ts');
      return renderDiffText(report, { width: stdout.columns, color: stdout.color });
    }
    case 'json':
      return (await import('../../report/diff/diff-json.ts')).renderDiffJson(report);
    case 'markdown':
      return (await import('../../report/diff/diff-markdown.ts')).renderDiffMarkdown(report);
  }
}

function applied(before: Mesh, { objects }: Snapshot): Mesh {
  return withChange(before, { apply: objects.map(({ object }) => object) });
}

/** @throws PadlockError `USAGE` unless there are exactly two sides */
async function readSides(
  context: Context,
  flags: DiffFlags,
  paths: readonly string[],
): Promise<readonly [Snapshot, Snapshot]> {
  if (flags.from === undefined) {
    const [old, now, more] = paths;
    if (flags.to !== undefined) throw new PadlockError('USAGE', '--to needs --from');
    if (old === undefined || now === undefined || more !== undefined) {
      throw new PadlockError(
        'USAGE',
        `diff takes OLD and NEW; ${paths.length === 1 ? 'one is' : `${paths.length} are`} given`,
        {
          hint: 'compare with a Git revision by --from REV [PATH...]',
        },
      );
    }
    return [await readSide(context, flags, old), await readSide(context, flags, now)];
  }
  const { readGitRevision } = await import('../../sources/git-revision.ts');
  const named = paths.length === 0 ? ['.'] : paths;
  const effects = { cwd: context.cwd, signal: context.signal };
  const old = await readGitRevision(flags.from, named, effects);
  if (flags.to !== undefined) return [old, await readGitRevision(flags.to, named, effects)];
  return [old, await readFiles(context, named)];
}

function readSide(context: Context, flags: DiffFlags, side: string): Promise<Snapshot> {
  return side === 'cluster' ? readCluster(context, flags) : readFiles(context, [side]);
}

async function readCluster(context: Context, flags: DiffFlags): Promise<Snapshot> {
  const cluster = await context.connect(flags);
  const { readClusterSnapshot } = await import('../../sources/cluster-snapshot.ts');
  return readClusterSnapshot(cluster, {
    ...(flags.namespace === undefined ? {} : { namespaces: [flags.namespace] }),
    signal: context.signal,
    now: () => context.clock.now(),
    needsIstio: true,
  });
}

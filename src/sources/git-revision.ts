/** The manifests of a Git revision, read through the `git` program: nothing is checked out, the work tree stays as it is. */
import { spawn } from 'node:child_process';
import { PadlockError } from '../errors.ts';
import type { Snapshot } from '../mesh/snapshot.ts';
import { isManifestPath } from './manifests/input-files.ts';
import { type ManifestText, readManifestTexts } from './manifests/read-manifests.ts';

export interface GitEffects {
  /** A folder in the repository; paths are relative to it. */
  readonly cwd: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads the manifests below `paths` as they were in a revision (a branch, a tag, a commit, `HEAD~3`). Findings name them
 * `REVISION:FILE`. A path that did not exist then counts as empty: a comparison shows it as new.
 * @throws PadlockError `TOOL_MISSING` without git, `INPUT_INVALID` outside a repository or for an unknown revision, and what
 *   reading manifests throws
 */
export async function readGitRevision(
  revision: string,
  paths: readonly string[],
  effects: GitEffects,
): Promise<Snapshot> {
  const commit = await commitOf(revision, effects);
  const files = await filesOf(commit, paths, effects);
  const texts: ManifestText[] = [];
  for await (const { path, bytes } of contents(files, effects))
    texts.push({ name: `${revision}:${path}`, bytes });
  return readManifestTexts(texts, `${revision}:${paths.join(', ')}`);
}

/** The commit's own name: after this nothing that a person typed reaches git as anything but a path. */
async function commitOf(revision: string, effects: GitEffects): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const { code, stdout, stderr } = await git(args, effects);
  if (code === 0) return stdout.toString('utf8').trim();
  const outside = stderr.includes('not a git repository');
  throw new PadlockError(
    'INPUT_INVALID',
    outside ? `${effects.cwd} is in no Git repository` : `there is no Git revision "${revision}"`,
    {
      hint: outside
        ? 'run it inside one'
        : 'see `git log --oneline` and `git branch --all`; a shallow clone has few (git fetch --unshallow)',
    },
  );
}

interface GitFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly object: string;
}

async function filesOf(
  commit: string,
  paths: readonly string[],
  effects: GitEffects,
): Promise<readonly GitFile[]> {
  const { code, stdout, stderr } = await git(['ls-tree', '-r', '-z', commit, '--', ...paths], effects);
  if (code !== 0) throw new PadlockError('INPUT_INVALID', `git ls-tree failed: ${stderr.trim()}`);
  const named = new Set(paths);
  return stdout
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      // `MODE TYPE OBJECT\tPATH`; symbolic links (120000) and submodules (commit) hold no manifest.
      const match = /^100\d{3} blob ([0-9a-f]+)\t(.+)$/s.exec(line);
      const [, object, path] = match ?? [];
      if (object === undefined || path === undefined) return [];
      return named.has(path) || isManifestPath(path) ? [{ path, object }] : [];
    });
}

/** All files in one run of `git cat-file --batch`: `OBJECT blob SIZE`, a newline, the bytes, a newline. */
async function* contents(
  files: readonly GitFile[],
  effects: GitEffects,
): AsyncGenerator<{ readonly path: string; readonly bytes: Uint8Array }> {
  if (files.length === 0) return;
  const input = files.map(({ object }) => `${object}\n`).join('');
  const { code, stdout, stderr } = await git(['cat-file', '--batch'], effects, input);
  if (code !== 0) throw new PadlockError('INPUT_INVALID', `git cat-file failed: ${stderr.trim()}`);
  let at = 0;
  for (const { path } of files) {
    const end = stdout.indexOf(0x0a, at);
    const size = Number(/ blob (\d+)$/.exec(stdout.toString('utf8', at, end))?.[1]);
    if (end === -1 || !Number.isInteger(size)) {
      throw new PadlockError('INPUT_INVALID', `git does not have the contents of ${path}`, {
        hint: 'a partial clone leaves contents out; `git fetch --refetch` brings them',
      });
    }
    yield { path, bytes: stdout.subarray(end + 1, end + 1 + size) };
    at = end + 1 + size + 1;
  }
}

interface GitResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function git(args: readonly string[], effects: GitEffects, input = ''): Promise<GitResult> {
  return new Promise((finish, reject) => {
    const { promise: spawned, child } = start(args, effects);
    spawned.catch(reject);
    const output: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('close', (code) => finish({ code, stdout: Buffer.concat(output), stderr }));
    // git may end before it has read all of its input; the exit code tells.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(input);
  });
}

function start(args: readonly string[], { cwd, signal }: GitEffects) {
  const child = spawn('git', ['--no-optional-locks', '-c', 'core.quotePath=false', ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  const promise = new Promise<void>((resolve, reject) => {
    child.on('spawn', resolve);
    child.on('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'ENOENT'
          ? new PadlockError('TOOL_MISSING', 'git is not installed', {
              cause,
              hint: 'compare folders instead',
            })
          : cause,
      );
    });
  });
  return { promise, child };
}

/** Which files a list of paths stands for: files as they are, directories with all YAML and JSON below them. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { notReadable } from './byte-source.ts';

export interface InputFile {
  /** What to open. */
  readonly path: string;
  /** What to call it: the path as it was given. */
  readonly name: string;
}

const manifestName = /\.(?:ya?ml|json)(?:\.gz)?$/i;
/** Instructions for kustomize and helm, not objects; a directory full of objects often has one beside them. */
const instructions =
  /^(?:kustomization\.ya?ml|Kustomization|Chart\.ya?ml|Chart\.lock|values(?:[.-].*)?\.ya?ml)$/;
const skippedFolders = new Set(['node_modules']);

/**
 * Expands directories, recursively and in the order of names. Hidden files and folders, `node_modules`, and kustomize's
 * and helm's own files are passed over; a symbolic link to a directory is not followed.
 * @throws PadlockError `FILE_NOT_READABLE`, and `INPUT_INVALID` for a directory that holds no manifest
 */
export function inputFiles(path: string, cwd: string): readonly InputFile[] {
  const absolute = resolve(cwd, path);
  try {
    if (!statSync(absolute).isDirectory()) return [{ path: absolute, name: path }];
    const files = [...filesBelow(absolute, path)];
    if (files.length > 0) return files;
  } catch (cause) {
    throw notReadable(path, cause);
  }
  throw new PadlockError('INPUT_INVALID', `${path} holds no .yaml, .yml or .json file`);
}

function* filesBelow(directory: string, name: string): Generator<InputFile> {
  const entries = readdirSync(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    const shown = join(name, entry.name);
    if (entry.isDirectory()) {
      if (!skippedFolders.has(entry.name)) yield* filesBelow(path, shown);
    } else if (isManifest(entry, path)) yield { path, name: shown };
  }
}

/** Whether a file in a directory is read, by its path alone: see `inputFiles`. */
export function isManifestPath(path: string): boolean {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.some((part) => part.startsWith('.') || skippedFolders.has(part))) return false;
  return manifestName.test(name) && !instructions.test(name);
}

function isManifest(entry: Dirent, path: string): boolean {
  if (!manifestName.test(entry.name) || instructions.test(entry.name)) return false;
  if (entry.isFile()) return true;
  return entry.isSymbolicLink() && statSync(path).isFile();
}

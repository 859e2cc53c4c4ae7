import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { errorCode } from './net/socket-error.ts';

/** @returns the first executable file of that name in a PATH; undefined where there is none. */
export function findExecutable(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch (error) {
    // Not there, or not ours to run: the next folder may have it.
    if (errorCode(error) !== undefined) return false;
    throw error;
  }
}

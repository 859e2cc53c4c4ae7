/** The documentation page of a finding's code, as it is installed beside the program. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PadlockError } from '../errors.ts';
import { type FindingCode, findingKinds } from '../mesh/findings/codes.ts';

/** The code that a word is, in any case; undefined for every other word. */
export function asFindingCode(word: string): FindingCode | undefined {
  const wanted = word.toUpperCase();
  return (Object.keys(findingKinds) as FindingCode[]).find((code) => code === wanted);
}

/** @throws PadlockError `FILE_NOT_READABLE` where the installation lacks its documentation */
export function findingPageText(code: FindingCode): string {
  // The bundle and the sources lie at different depths below the package's folder.
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const page = join(folder, 'docs', 'findings', `${code}.md`);
    if (existsSync(page)) return readFileSync(page, 'utf8');
  }
  throw new PadlockError('FILE_NOT_READABLE', `docs/findings/${code}.md is missing from this installation`);
}

/** What the library says besides a syntax error: that it cannot read this piece of text by itself. */
import type { PadlockError } from '../../errors.ts';

/** The library needs about a second and 100 MB for each megabyte; a larger piece must be plain enough for the block reader. */
export const maxLibraryBytes = 8 * 1024 * 1024;

/** A text of mere punctuation has a part for each byte, and costs most: so many take 2 s and 500 MB at worst. */
export const maxLibraryParts = 1_000_000;

/** Of one input, in many pieces. */
export const maxLibraryBytesOfInput = 16 * 1024 * 1024;

/** Thrown for an alias whose anchor is not in the text at hand; an earlier part of the document may have it. */
export class UnknownAnchor {
  readonly error: PadlockError;

  constructor(error: PadlockError) {
    this.error = error;
  }
}

/** Thrown for more than `maxLibraryParts`. */
export class TooManyParts {}

import type { PadlockError } from '../../errors.ts';

/** Thrown for an alias whose anchor is not in the text at hand; an earlier part of the document may have it. */
export class UnknownAnchor {
  readonly error: PadlockError;

  constructor(error: PadlockError) {
    this.error = error;
  }
}

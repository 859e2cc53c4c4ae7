/** Characters that YAML does not allow in a text (YAML 1.2, c-printable); a terminal would obey some of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find.
export const unprintable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]/;

/** A sentence about such a character. */
export function unprintableSentence(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `the control character U+${code} is not allowed in YAML`;
}

/** @returns `1 request`, `1,204 requests`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** @returns `1 of 1 pod`, `1 of 3 pods`. */
export function outOf(number: number, total: number, noun: string): string {
  return `${number.toLocaleString('en-US')} of ${count(total, noun)}`;
}

/** The verb that goes with so many. */
export function areOrIs(number: number): 'is' | 'are' {
  return number === 1 ? 'is' : 'are';
}

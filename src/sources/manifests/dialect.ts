/**
 * What a plain scalar stands for in Kubernetes' YAML: the rules of sigs.k8s.io/yaml (go-yaml v2), which kubectl uses. They
 * are YAML 1.1's for booleans and octal numbers, and YAML 1.2's for nothing: `yes` is true, `0777` is 511, `1:30` and
 * `2026-01-01` are text. docs/input.md has the table.
 */

const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (word) => [word, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (word) => [word, false] as const,
  ),
]);

const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const special = /^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/;

/** @returns the value of a plain scalar: null, a boolean, a number or the text itself. */
export function scalarOf(text: string): string | number | boolean | null {
  const first = text.charCodeAt(0);
  // Digits, a sign or a dot may start a number; any other start is a word or text.
  if ((first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e) {
    return numberOf(text) ?? text;
  }
  if (text.length > 5) return text;
  const word = words.get(text);
  return word === undefined ? text : word;
}

/** @returns the number, or undefined where the text is none. `.inf` and `.nan` are no JSON numbers and stay text. */
function numberOf(text: string): number | undefined {
  if (special.test(text)) return undefined;
  const plain = text.charCodeAt(0) === 0x2e ? text : text.replaceAll('_', '');
  const integer = integerOf(plain);
  if (integer !== undefined) return integer;
  if (!float.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value + 0 : undefined;
}

/** Go's `strconv.ParseInt` with base 0: a leading 0 is octal, 0x, 0o and 0b are what they say. */
function integerOf(text: string): number | undefined {
  const signed = /^[-+]/.test(text);
  const digits = signed ? text.slice(1) : text;
  const base = baseOf(digits);
  if (base === undefined) return undefined;
  const value = Number(
    base + (base === '' ? digits : digits.slice(base === '0o' && isOctal(digits) ? 1 : 2)),
  );
  if (!Number.isFinite(value)) return undefined;
  return text.startsWith('-') && value !== 0 ? -value : value;
}

function isOctal(digits: string): boolean {
  return /^0[0-7]+$/.test(digits);
}

/** The prefix that JavaScript's `Number` wants for these digits, or undefined where they are no integer. */
function baseOf(digits: string): '' | '0x' | '0o' | '0b' | undefined {
  if (/^(?:0|[1-9][0-9]*)$/.test(digits)) return '';
  if (isOctal(digits) || /^0[oO][0-7]+$/.test(digits)) return '0o';
  if (/^0[xX][0-9a-fA-F]+$/.test(digits)) return '0x';
  if (/^0[bB][01]+$/.test(digits)) return '0b';
  return undefined;
}

/** Kubernetes quantities (`100m`, `1Gi`): read for validation and for comparing requests with limits. */

const binary: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const decimal: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

const pattern = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?)|[eE]([+-]?\d+))$/;

/** @returns the number a quantity stands for, or undefined where it is none. */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const match = pattern.exec(value);
  if (match === null) return undefined;
  const [, digits = '', suffix = '', exponent] = match;
  if (exponent !== undefined) return Number(digits) * 10 ** Number(exponent);
  const factor = binary[suffix] ?? decimal[suffix];
  return factor === undefined ? undefined : Number(digits) * factor;
}

export const quantityPatternMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * A quantity as the API server writes it: no fraction, and the largest suffix that leaves a whole number
 * (apimachinery's `Quantity.CanonicalizeBytes`). What is no quantity, or in exponents, stays as it is.
 */
export function canonicalQuantity(value: unknown): unknown {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return value;
  const [, digits = '', suffix = '', exponent] = pattern.exec(text) ?? [];
  if (digits === '' || exponent !== undefined) return text;
  const isBinary = binary[suffix] !== undefined;
  const [suffixes, base] = isBinary
    ? ([binarySuffixes, 1024n] as const)
    : ([decimalSuffixes, 1000n] as const);
  const scaled = wholeNumber(digits, suffixes.indexOf(suffix), base, isBinary);
  if (scaled === undefined) return text;
  let [amount, index] = scaled;
  if (amount === 0n) return '0';
  while (amount % base === 0n && index + 1 < suffixes.length) {
    amount /= base;
    index += 1;
  }
  return `${amount}${suffixes[index] ?? ''}`;
}

/** The digits without their fraction, at a smaller suffix; undefined where no suffix is small enough. */
function wholeNumber(
  digits: string,
  start: number,
  base: bigint,
  isBinary: boolean,
): [bigint, number] | undefined {
  const [whole = '', fraction = ''] = digits.replace('+', '').split('.');
  const kept = fraction.replace(/0+$/, '');
  let index = start;
  let amount = BigInt(`${whole === '' || whole === '-' ? `${whole}0` : whole}${kept}`);
  const divisor = 10n ** BigInt(kept.length);
  while (amount % divisor !== 0n) {
    if (index === 0 || (isBinary && index === 1)) return undefined;
    amount *= base;
    index -= 1;
  }
  return [amount / divisor, index];
}

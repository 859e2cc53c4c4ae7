/** Names as Kubernetes makes them: `httpbin-59bcc5b8d9-jntrt`. */
import { randomInt } from 'node:crypto';

/** No vowels and nothing that reads like another: apimachinery's `rand` alphabet. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `-` and five random characters, as `generateName` appends; the base is cut so that the whole stays a DNS label. */
export function generateName(base: string): string {
  let suffix = '';
  for (let index = 0; index < 5; index += 1) suffix += alphabet[randomInt(alphabet.length)];
  return base.slice(0, 58) + suffix;
}

/**
 * The hash that tells revisions of a pod template apart: 32-bit FNV-1a, its decimal digits in the same alphabet,
 * as the deployment controller encodes it. The real one hashes a dump of Go structs, so the values differ.
 */
export function templateHash(template: unknown, collisionCount = 0): string {
  const text = `${canonical(template)}${collisionCount > 0 ? collisionCount : ''}`;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/** JSON with sorted fields: equal data gives equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(',')}}`;
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonFields, jsonMistake } from './go-json.ts';

const mistakeOf = (text: string): string | undefined => jsonMistake(Buffer.from(text));

// As Go 1.26's encoding/json prints them.
test.each([
  ['', 'unexpected end of JSON input'],
  ['{"a":1', 'unexpected end of JSON input'],
  ['"abc', 'unexpected end of JSON input'],
  ['nope', "invalid character 'o' in literal null (expecting 'u')"],
  ['{}{', "invalid character '{' after top-level value"],
  ['{a', "invalid character 'a' looking for beginning of object key string"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['-x', "invalid character 'x' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1e+x', "invalid character 'x' in exponent of numeric literal"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u00x0"', "invalid character 'x' in \\u hexadecimal character escape"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
])('%j: %s', (text, mistake) => {
  expect(mistakeOf(text)).toBe(mistake);
});

test('what is too deep is told, and is no end of the stack', () => {
  expect(mistakeOf('['.repeat(100_000))).toBe('exceeded max depth');
});

test('bytes that are no text', () => {
  expect(jsonMistake(Buffer.of(0x9e))).toBe("invalid character '\\u009e' looking for beginning of value");
  expect(jsonMistake(Buffer.of(0x01))).toBe("invalid character '\\x01' looking for beginning of value");
});

test('what JSON.parse takes is right, what it refuses is not', () => {
  const nearlyJson = fc.array(fc.constantFrom(...'{}[]:,"\\ \n-0123456789.eE+truefalsn'), { maxLength: 14 });
  fc.assert(
    fc.property(
      fc.oneof(
        nearlyJson.map((parts) => parts.join('')),
        fc.json({ maxDepth: 5 }),
      ),
      (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect(mistakeOf(text) === undefined).toBe(isJson);
      },
    ),
    { numRuns: 2000 },
  );
});

test('fields that come twice, by their path', () => {
  const { twice } = jsonFields(
    Buffer.from('{"spec":{"list":[{"a":1},{"a":1,"\\u0061":2}],"mode":"x","mode":"y"},"spec":{"mode":"z"}}'),
  );
  expect(twice.map(({ path }) => path)).toEqual(['spec.list[1].a', 'spec.mode', 'spec']);
});

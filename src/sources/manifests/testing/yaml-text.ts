/** Texts for property tests: YAML as printers print it, the same with small mistakes, and mere punctuation. */
import fc from 'fast-check';
import { stringify } from 'yaml';

const tokens = [
  ...[
    'a',
    'b: ',
    'c:',
    '- ',
    '-',
    ': ',
    ':',
    '\n',
    '\n',
    '\n  ',
    '\n    ',
    '\n ',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
  ],
  ...[
    ',',
    ', ',
    '#',
    ' # x',
    '|',
    '|-',
    '|+',
    '|2',
    '>',
    '---',
    '--- ',
    '...',
    '&a ',
    '*a',
    '!t ',
    '!!str ',
    '?',
  ],
  ...[
    '? ',
    '1',
    'yes',
    '0x1',
    '1_0',
    '\t',
    '\\',
    '\\n',
    '\\u00e9',
    '\\ ',
    '%',
    '~',
    'null',
    '<<: ',
    'é',
    '😀',
  ],
  ...[
    '\u0085',
    '\u0007',
    '  ',
    ' ',
    'items:\n',
    'a: b',
    '"k": ',
    "'k': ",
    '@',
    '`',
    'key with space: v',
    'x',
  ],
  ...['1.5', '""', "''", 'k: |\n  text\n', 'k: "v"\n', '\n- a: 1\n  b: 2\n', '\r\n'],
];

const awkwardTexts = [
  ...[
    'a',
    'yes',
    '1',
    '0x1f',
    ' lead',
    'trail ',
    'multi\nline',
    'multi\n\nline\n',
    'x: y',
    'a #b',
    '#c',
    '- d',
    '{e}',
  ],
  ...['"q"', "it's", '', '~', 'null', 'true', '2026-01-01T00:00:00Z', 'tab\there', 'uni é 😀', 'back\\slash'],
  ...[
    '\nlead',
    '  two',
    'end\n\n',
    '%x',
    '@y',
    'key:',
    'a:b',
    '[x',
    '!t',
    '&a',
    '*',
    '|',
    '>',
    '?',
    '-',
    '--- a',
    '...',
  ],
  'a long text that goes on for more than eighty columns, so that printers fold it into several lines somewhere',
];
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom(...awkwardTexts));
const key = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom(
    'apiVersion',
    'kind',
    'metadata',
    'items',
    'spec',
    'a',
    'yes',
    '1',
    '__proto__',
    'constructor',
  ),
);

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
}));

const style = fc.record({
  indentSeq: fc.boolean(),
  indent: fc.constantFrom(1, 2, 3, 4),
  lineWidth: fc.constantFrom(0, 20, 80),
  defaultStringType: fc.constantFrom(
    'PLAIN',
    'QUOTE_DOUBLE',
    'QUOTE_SINGLE',
    'BLOCK_LITERAL',
    'BLOCK_FOLDED',
  ),
  collectionStyle: fc.constantFrom('any', 'flow', 'block'),
  singleQuote: fc.boolean(),
  defaultKeyType: fc.constantFrom(null, 'PLAIN', 'QUOTE_DOUBLE'),
} as const);

/** A map in any of the styles that a printer has. */
export const printedYaml: fc.Arbitrary<string> = fc.tuple(value, style).map(([content, options]) =>
  stringify(new Map([['apiVersion', 'v1'], ['content', content] as never]), {
    ...options,
    aliasDuplicateObjects: false,
  }),
);

const edit = fc.tuple(fc.nat(), fc.constantFrom('insert', 'delete', 'overwrite'), fc.constantFrom(...tokens));

/** Printed YAML with up to three places changed. */
export const mistakenYaml: fc.Arbitrary<string> = fc
  .tuple(printedYaml, fc.array(edit, { maxLength: 3 }))
  .map(([printed, edits]) =>
    edits.reduce((changed, [place, kind, token]) => {
      const at = changed.length === 0 ? 0 : place % changed.length;
      const skipped = { insert: 0, delete: 1, overwrite: token.length }[kind];
      return changed.slice(0, at) + (kind === 'delete' ? '' : token) + changed.slice(at + skipped);
    }, printed),
  );

export const punctuation: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...tokens), { maxLength: 14 })
  .map((parts) => parts.join(''));

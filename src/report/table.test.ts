import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderTable } from './table.ts';
import { printable, textWidth, wrapText } from './text-width.ts';

const columns = [{ title: 'WORKLOAD' }, { title: 'PORT', align: 'right' }, { title: 'WHY' }] as const;

test('columns are as wide as their widest cell, and no line ends in a blank', () => {
  const text = renderTable(
    columns,
    [
      ['shop/cart', '8080', 'STRICT in shop'],
      ['shop/checkout-v2', '80', ''],
    ],
    { width: 80, color: false },
  );
  expect(text).toBe(
    ['WORKLOAD          PORT  WHY', 'shop/cart         8080  STRICT in shop', 'shop/checkout-v2    80'].join(
      '\n',
    ),
  );
});

test('long cells wrap inside their column instead of pushing the line over the width', () => {
  const why = 'PeerAuthentication shop/default is ignored because shop/first is older than it is';
  const lines = renderTable(columns, [['shop/cart', '8080', why]], { width: 50, color: false }).split('\n');
  expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(50);
  const whyColumn = lines.slice(1).map((line) => line.slice('WORKLOAD   PORT  '.length).trim());
  expect(whyColumn.join(' ')).toBe(why);
});

test('wide characters count two cells', () => {
  const text = renderTable(
    [{ title: 'A' }, { title: 'B' }],
    [
      ['日本', 'x'],
      ['abcd', 'y'],
    ],
    {
      width: 80,
      color: false,
    },
  );
  expect(text.split('\n')).toEqual(['A     B', '日本  x', 'abcd  y']);
});

test('colour changes nothing but escape codes', () => {
  const rows = [[{ text: 'STRICT', tone: 'good' } as const, '1', 'x']];
  const colored = renderTable(columns, rows, { width: 80, color: true });
  const plain = renderTable(columns, rows, { width: 80, color: false });
  expect(colored).toContain('\u001b[32mSTRICT\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removes the colours.
  expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(plain);
});

test('escape codes in a cell are shown, never sent to the terminal', () => {
  const text = renderTable(columns, [['a\u001b[2Jb', '1', '\u202eevil']], { width: 80, color: false });
  expect(text).not.toContain('\u001b');
  expect(text).toContain('a\\x1b[2Jb');
  expect(text).toContain('\\u202eevil');
});

test('no text is lost and no line is too wide, whatever the cells hold', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { minLength: 3, maxLength: 3 }), {
        maxLength: 6,
      }),
      fc.integer({ min: 24, max: 100 }),
      (rows, width) => {
        const text = renderTable(columns, rows, { width, color: false });
        for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width);
        const dense = (value: string): string => [...printable(value).replace(/\s/gu, '')].sort().join('');
        const all = `WORKLOADPORTWHY${rows.flat().join('')}`;
        expect(dense(text)).toBe(dense(all));
      },
    ),
  );
});

test('wrapping breaks at blanks, then inside long names, and never loops', () => {
  expect(wrapText('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrapText('spiffe://cluster.local/ns/shop', 12)).toEqual([
    'spiffe://',
    'cluster.',
    'local/ns/',
    'shop',
  ]);
  expect(wrapText('日本語', 1)).toEqual(['日', '本', '語']);
  expect(wrapText('a\nb', Number.POSITIVE_INFINITY)).toEqual(['a', 'b']);
});

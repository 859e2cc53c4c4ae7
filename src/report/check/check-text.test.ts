import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textWidth } from '../text-width.ts';
import { renderCheckText } from './check-text.ts';
import { cleanReport, failedReport, hostileReport, sampleReport } from './testing/sample-report.ts';

const plain = { width: 80, color: false, verbose: false } as const;

test('a report reads as the golden file', async () => {
  await expect(renderCheckText(sampleReport, plain)).toMatchFileSnapshot('testdata/sample.txt');
});

test('all is well: a line a group and one verdict', () => {
  const text = renderCheckText(cleanReport, plain);
  expect(text.split('\n').length).toBeLessThan(10);
  expect(text).toMatch(/\n√ no findings in 12 pods, 1 policy\n$/);
});

test('a check that could not run says so last, and never "ok"', () => {
  const text = renderCheckText(failedReport, plain);
  expect(text).toContain('k8s/shop.yaml:3: k8s/shop.yaml cannot be read');
  expect(text).toMatch(/× could not check: nothing here is a pass\n$/);
  expect(text).not.toMatch(/√|ok$/m);
});

test('further findings of a code take one line each, unless all are asked for', () => {
  const first = sampleReport.findings[0];
  if (first === undefined) throw new Error('the sample has findings');
  const many = { ...sampleReport, findings: Array.from({ length: 9 }, () => first) };
  expect(renderCheckText(many, plain).match(/why:/g)).toHaveLength(3);
  expect(renderCheckText(many, plain)).toContain('and 6 more');
  expect(renderCheckText(many, { ...plain, verbose: true }).match(/why:/g)).toHaveLength(9);
});

test('nothing but commands to copy and names is wider than the terminal', () => {
  for (const line of renderCheckText(sampleReport, plain).split('\n')) {
    if (!line.startsWith('         ')) expect(textWidth(line)).toBeLessThanOrEqual(80);
  }
});

test('no control character of a manifest reaches the terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const rendered = renderCheckText(hostileReport(`a\u001b[31m\u0007${text}`), plain);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there.
      expect(rendered).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }),
  );
});

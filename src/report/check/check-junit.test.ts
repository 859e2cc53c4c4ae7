import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderCheckJunit } from './check-junit.ts';
import { cleanReport, failedReport, hostileReport, sampleReport } from './testing/sample-report.ts';

/** Enough of an XML reader to notice what a real one would refuse: tags that do not pair, bare marks, bad characters. */
function readXml(xml: string): readonly string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const body = xml.replace(/^<\?xml [^?]*\?>\n/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot hold these.
  expect(body).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|[^<>&]+|&(?:amp|lt|gt|quot|apos|#10|#9);/gy;
  let end = 0;
  for (const match of body.matchAll(token)) {
    end = match.index + match[0].length;
    const [, closing, name, , empty] = match;
    if (name === undefined) continue;
    if (closing === '/') expect(open.pop()).toBe(name);
    else {
      seen.push(name);
      if (empty !== '/') open.push(name);
    }
  }
  expect(end).toBe(body.length);
  expect(open).toEqual([]);
  return seen;
}

test('findings at or above --fail-on fail, milder ones pass, suppressed ones are skipped', () => {
  const xml = renderCheckJunit(sampleReport);
  const seen = readXml(xml);
  expect(seen.filter((name) => name === 'failure')).toHaveLength(2);
  expect(seen.filter((name) => name === 'skipped')).toHaveLength(1);
  expect(seen.filter((name) => name === 'system-out')).toHaveLength(1);
  expect(xml).toMatch(/<testsuites name="padlock check" tests="\d+" failures="2" errors="0" skipped="1">/);
  expect(xml).toContain('file="k8s/shop.yaml" line="16"');
});

test('a clean check has a passing case for each code', () => {
  const seen = readXml(renderCheckJunit(cleanReport));
  expect(seen).not.toContain('failure');
  expect(seen.filter((name) => name === 'testcase').length).toBeGreaterThan(30);
});

test('a check that could not run has an error and no passing case', () => {
  const xml = renderCheckJunit(failedReport);
  expect(readXml(xml).filter((name) => name === 'testcase')).toHaveLength(1);
  expect(xml).toContain('errors="1"');
});

test('whatever stands in a manifest, the file stays XML', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      readXml(renderCheckJunit(hostileReport(`<&"'>]]>${text}`)));
    }),
  );
});

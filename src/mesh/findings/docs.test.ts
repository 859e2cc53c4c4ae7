/** The documentation names every code: its page exists with its title, and the command's page lists it. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findingCodes, findingKinds, findingPage } from './codes.ts';

const root = `${import.meta.dirname}/../../..`;

test.each(findingCodes)(
  '%s has a page that begins with its title and says what, why and how to mend it',
  (code) => {
    const page = readFileSync(`${root}/${findingPage(code)}`, 'utf8');
    expect(page.split('\n')[0]).toBe(`# ${code}: ${findingKinds[code].title}`);
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['What it says', 'Why it matters', 'Example', 'Fix']);
    expect(page).toMatch(/^Severity: /m);
  },
);

test('no page is left of a code that is gone', () => {
  expect(readdirSync(`${root}/docs/findings`)).toEqual(findingCodes.map((code) => `${code}.md`));
});

test('links between pages lead somewhere', () => {
  for (const code of findingCodes) {
    for (const [, target] of readFileSync(`${root}/${findingPage(code)}`, 'utf8').matchAll(
      /\]\((PL\d+)\.md\)/g,
    )) {
      expect(findingCodes, `${code} links to ${target}`).toContain(target);
    }
  }
});

test('the command’s page lists every code with its title and severity', () => {
  const page = readFileSync(`${root}/docs/commands/check.md`, 'utf8');
  for (const code of findingCodes) {
    const { title, severity } = findingKinds[code];
    expect(page).toContain(`| [${code}](../findings/${code}.md) | ${severity} | ${title} |`);
  }
});

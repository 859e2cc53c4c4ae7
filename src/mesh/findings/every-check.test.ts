/** What holds for every check: its inputs, the form of its findings, and that its fix mends what it found. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { locateField, sourceText } from '../../report/check/locate.ts';
import { buildMesh } from '../mesh.ts';
import { applyChange } from './apply-change.ts';
import type { Check } from './check.ts';
import { checks } from './checks.ts';
import { type FindingCode, findingKinds } from './codes.ts';
import type { Finding } from './finding.ts';
import { snapshotOf } from './testing/manifests.ts';

const here = import.meta.dirname;
const codes = Object.entries(checks) as [FindingCode, Check][];

function read(code: FindingCode, name: 'ok' | 'bad'): string {
  return readFileSync(`${here}/${code}-${findingKinds[code].name}/${name}.yaml`, 'utf8');
}

function run(check: Check, text: string): readonly Finding[] {
  return check(buildMesh(snapshotOf(text)));
}

test('each folder is a check, and each check a folder', () => {
  const folders = readdirSync(here).filter((name) => /^PL\d/.test(name));
  expect(folders).toEqual(codes.map(([code]) => `${code}-${findingKinds[code].name}`));
});

test.each(codes)('%s says nothing about its good input', (code, check) => {
  expect(run(check, read(code, 'ok'))).toEqual([]);
});

test.each(codes)('%s finds something in its bad input, well formed', (code, check) => {
  const text = read(code, 'bad');
  const findings = run(check, text);
  expect(findings.length).toBeGreaterThan(0);
  const source = sourceText('bad.yaml', text);
  for (const finding of findings) {
    expect(finding.code).toBe(code);
    for (const sentence of [finding.message, finding.fix.text]) expect(sentence).toMatch(/^\S.*[^.\s]\.$/s);
    expect(finding.why).toMatch(/^[A-Z].*\.$/s);
    expect(`${finding.message} ${finding.why} ${finding.fix.text}`).not.toMatch(
      /undefined|NaN|\[object|\s\s/,
    );
    const { origin, field } = finding;
    if (origin?.line === undefined || field === undefined) continue;
    const place = locateField(source, origin.line, field);
    expect(place.column, `${field} has a place in bad.yaml`).toBeDefined();
  }
});

test.each(codes)('%s: its fix mends the finding it comes with', (code, check) => {
  const before = snapshotOf(read(code, 'bad'));
  const key = ({ resource, field }: Finding): string => JSON.stringify([resource, field]);
  for (const finding of check(buildMesh(before))) {
    const { changes } = finding.fix;
    if (changes.length === 0 || changes.some(({ kind }) => kind === 'restart')) continue;
    const after = check(buildMesh(changes.reduce(applyChange, before)));
    expect(after.map(key), finding.message).not.toContain(key(finding));
    expect(after.length, finding.message).toBeLessThan(check(buildMesh(before)).length);
  }
});

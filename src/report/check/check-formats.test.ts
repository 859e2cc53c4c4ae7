import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { renderCheckGithub } from './check-github.ts';
import { renderCheckJson, renderCheckYaml } from './check-json.ts';
import { renderCheckMarkdown } from './check-markdown.ts';
import { verdictOf } from './check-report.ts';
import { cleanReport, failedReport, hostileReport, sampleReport } from './testing/sample-report.ts';

test('JSON and YAML are one document', () => {
  const document = JSON.parse(renderCheckJson(sampleReport));
  expect(parse(renderCheckYaml(sampleReport))).toEqual(document);
  expect(document).toMatchObject({
    verdict: 'findings',
    counts: { error: 1, warning: 1, info: 1, suppressed: 1 },
    findings: [{ code: 'PL001', file: 'k8s/shop.yaml', line: 16, column: 11 }, {}, {}],
    suppressed: [{ suppression: { by: 'annotation', reason: 'moves in May' } }],
  });
  expect(document.findings[0].fix.changes[0].command).toBe(
    `kubectl patch peerauthentication default -n shop --type merge -p '{"spec":{"mtls":{"mode":"STRICT"}}}'`,
  );
});

test('a failed check says so in JSON', () => {
  expect(JSON.parse(renderCheckJson(failedReport))).toMatchObject({
    verdict: 'could-not-run',
    errors: [{ code: 'YAML_SYNTAX' }],
  });
});

test('the verdict follows --fail-on, and a failure beats it', () => {
  expect(verdictOf(sampleReport)).toBe('findings');
  expect(verdictOf({ ...sampleReport, failOn: 'never' })).toBe('clean');
  expect(verdictOf({ ...sampleReport, findings: sampleReport.findings.slice(2) })).toBe('clean');
  expect(verdictOf({ ...sampleReport, findings: sampleReport.findings.slice(2), failOn: 'info' })).toBe(
    'findings',
  );
  expect(verdictOf({ ...failedReport, failOn: 'never' })).toBe('could-not-run');
});

test('Markdown reads as the golden file', async () => {
  await expect(renderCheckMarkdown(sampleReport)).toMatchFileSnapshot('testdata/sample.md');
  expect(renderCheckMarkdown(cleanReport)).toBe('### Padlock: nothing found in 12 pods, 1 policy ✅\n');
});

test('Markdown holds no HTML, mention or table border of a manifest', () => {
  const text = renderCheckMarkdown(hostileReport('<img src=x> @team | `x` [a](b)'));
  const outsideCode = text.replace(/(`+)[\s\S]*?[^`]\1(?!`)|<code>.*?<\/code>/g, '');
  expect(text).not.toContain('<img src=x></code>');
  expect(outsideCode).not.toContain('<img');
  expect(outsideCode).not.toContain('@team');
  expect(outsideCode).not.toContain('[a](b)');
  for (const row of text.split('\n').filter((line) => line.startsWith('| '))) {
    expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
  }
});

test('GitHub annotations carry file, line and title, one line each', () => {
  const lines = renderCheckGithub(sampleReport).trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(
    /^::error file=k8s\/shop\.yaml,line=16,col=11,endColumn=17,title=PL001 Policy is ignored .*::PeerAuthentication shop\/strict: /,
  );
  expect(lines[1]).toMatch(/^::warning title=PL008 No policy sets a mode%3A plaintext/);
  expect(lines[2]).toMatch(/^::notice file=/);
  expect(lines[3]).toBe('padlock check: 1 error, 1 warning, 1 note in 12 pods, 1 policy; fails on warning');
  expect(renderCheckGithub(failedReport)).toContain(
    '::error file=k8s/shop.yaml,line=3,col=7,title=padlock could not',
  );
});

test('no manifest can smuggle a workflow command in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const lines = renderCheckGithub(hostileReport(`x\n::stop-commands::a,line=9:%0A\r${text}`))
        .trimEnd()
        .split('\n');
      expect(lines).toHaveLength(3);
      for (const line of lines.slice(0, -1)) expect(line).toMatch(/^::error [^:]*::/);
    }),
  );
});

/**
 * The lab's API server against what a real one answered: the whole conformance script. The live comparison, on a
 * server that is built and started, is `npm run test:kubernetes`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasKubectl } from '../src/lab/api/testing/serve-api.ts';
import { startLab } from '../src/lab/lab.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import { differences } from './kubernetes/differences.ts';
import { kubectlMinor, readAnswers } from './kubernetes/recorded-answers.ts';
import { evenAges, runSteps } from './kubernetes/run-steps.ts';

test('the lab answers as a real API server answered', { timeout: 120_000 }, async (context) => {
  context.skip(!hasKubectl(), 'there is no kubectl');
  const recorded = readAnswers();
  const folder = mkdtempSync(join(tmpdir(), 'padlock-answers-'));
  const lab = await startLab();
  try {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
    const cluster = await connectCluster({ kubeconfig, env: {}, now: () => Date.now() });
    const answers = await runSteps({ kubeconfig, cluster });
    expect(answers.map(({ name }) => name)).toEqual([...recorded.answers.keys()]);
    // kubectl's own words change from version to version; what a server answers to HTTP does not.
    const isSameKubectl = kubectlMinor() === recorded.kubectl;
    const compared = answers.filter(
      ({ name, kind }) => differences[name] === undefined && (isSameKubectl || kind === 'http'),
    );
    expect(compared.length).toBeGreaterThan(250);
    const expected = (name: string): string => evenAges(recorded.answers.get(name) ?? '');
    // Only what differs is compared, so that a failure shows it.
    const others = compared.filter(({ name, text }) => text !== expected(name));
    expect(others.map(({ name, text }) => `${name}\n${text}`)).toEqual(
      others.map(({ name }) => `${name}\n${expected(name)}`),
    );
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

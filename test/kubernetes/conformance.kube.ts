/** One script, two servers: the lab's API server must answer as the real one does, word for word. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/lab.ts';
import type { Cluster } from '../../src/sources/cluster.ts';
import { connectCluster } from '../../src/sources/kube/connect.ts';
import { differences } from './differences.ts';
import { recordAnswers } from './recorded-answers.ts';
import { groups, runSteps, type Tested } from './run-steps.ts';
import { scenes } from './scenes.ts';
import { type RealServer, realServer } from './server-under-test.ts';

let lab: Lab | undefined;
let real: RealServer | undefined;
let labTested: Tested | undefined;
const folder = mkdtempSync(join(tmpdir(), 'padlock-conformance-'));
const answers = { lab: new Map<string, string>(), real: new Map<string, string>() };

beforeAll(async () => {
  [lab, real] = await Promise.all([startLab(), realServer()]);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, lab.kubeconfig, { mode: 0o600 });
  const cluster = await connectCluster({ kubeconfig, env: {}, now: () => Date.now() });
  labTested = { kubeconfig, cluster };
  for (const { name, text } of await runSteps(labTested)) answers.lab.set(name, text);
  for (const { name, text } of await runSteps(real)) answers.real.set(name, text);
  if (process.env.PADLOCK_RECORD === '1') recordAnswers(answers.real, real.version);
});

afterAll(async () => {
  await lab?.close();
  await real?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const group of groups) {
  describe(group.name, () => {
    test.each(group.steps.map((step) => `${group.name}: ${step.name}`))('%s', (name) => {
      const reason = differences[name];
      if (reason === undefined) expect(answers.lab.get(name)).toBe(answers.real.get(name));
      else
        expect(answers.lab.get(name), `no difference any more: ${reason}`).not.toBe(answers.real.get(name));
    });
  });
}

describe('scenes', () => {
  const namespace = 'conf-scenes';
  test.each(scenes)('$name', async ({ play }) => {
    if (lab === undefined || real === undefined || labTested === undefined) throw new Error('not started');
    for (const { cluster } of [labTested, real]) await makeNamespace(cluster, namespace);
    expect(await play(labTested, namespace)).toEqual(await play(real, namespace));
  });
});

async function makeNamespace(cluster: Cluster, name: string): Promise<void> {
  const { status, body } = await cluster.raw({
    method: 'POST',
    path: '/api/v1/namespaces',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  });
  if (status !== 201 && status !== 409) throw new Error(body);
}

test('every step has a name of its own, and every listed difference is a step', () => {
  const names = groups.flatMap((group) => group.steps.map((step) => `${group.name}: ${step.name}`));
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(differences).filter((name) => !names.includes(name))).toEqual([]);
});

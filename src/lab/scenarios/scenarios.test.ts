import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { resourceOf } from '../cluster-core.ts';
import { type Lab, startLab } from '../lab.ts';
import { eventually } from '../testing/wait.ts';
import { scenarioNames } from './names.ts';
import { scenario } from './scenarios.ts';

let lab: Lab;
const problems: string[] = [];

beforeAll(async () => {
  lab = await startLab({
    path: process.env.PATH ?? '',
    onProblem: (sentence, error) => problems.push(`${sentence}: ${String(error)}`),
  });
  for (const object of scenario('all').objects) create(object);
});
afterAll(async () => {
  await lab.close();
  expect(problems).toEqual([]);
});

function create(object: KubeObject): void {
  lab.api.create(resourceOf(lab.api, object), object, 'test');
}

/** Waits for a line of a container's log that matches. */
async function logged(namespace: string, app: string, pattern: RegExp): Promise<string> {
  const gone = AbortSignal.timeout(20_000);
  const pods = (): readonly KubeObject[] => lab.api.list('pods', { namespace, labels: { app } });
  await eventually(lab.api, ['pods'], () => /"started":true/.test(JSON.stringify(pods()[0]?.status ?? {})));
  const name = pods()[0]?.metadata.name ?? '';
  const options = { container: app, follow: true, timestamps: false, previous: false };
  for await (const line of lab.kubelet.logs({ namespace, name }, options, gone)) {
    if (pattern.test(line)) return line;
  }
  throw new Error(`${namespace}/${app} never logged ${pattern}`);
}

/** Who gets an answer as long as nothing is STRICT. MySQL's client is not among them: PERMISSIVE waits for its first bytes. */
const answered = [
  ['shop', 'sleep'],
  ['legacy', 'batch'],
  ['control', 'api-caller'],
  ['monitoring', 'prometheus'],
  ['shop', 'db-backup'],
] as const;

test('callers get through, and STRICT refuses each that is outside the mesh', async () => {
  await Promise.all(answered.map(([namespace, app]) => logged(namespace, app, /^200 /)));
  await eventually(lab.api, ['jobs.batch'], () =>
    JSON.stringify(lab.api.get('jobs.batch', 'shop', 'migrate')?.status).includes('"succeeded":1'),
  );
  create({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { mtls: { mode: 'STRICT' } },
  });
  await Promise.all(
    answered
      .filter(([, app]) => app !== 'sleep')
      .map(([namespace, app]) => logged(namespace, app, /^curl: \((?:56|52)\) /)),
  );
  expect(await logged('reporting', 'mysql-client', /^curl: \(28\)/)).toContain('28');
}, 60_000);

test('each scenario can be deployed, and names what is special in it', () => {
  for (const name of scenarioNames) {
    const { brief, objects } = scenario(name);
    expect(brief).not.toBe('');
    const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  }
});

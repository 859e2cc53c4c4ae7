/** The lab's `kiali` Service, where the guide that people follow ends: it leads to the dashboard, by a real port-forward. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LabDashboard, labDashboard } from '../src/cli/lab/lab-console.ts';
import { eventually, statusOf } from '../src/lab/testing/wait.ts';
import { ensureBuilt } from './built.ts';
import { clock } from './dashboard/serve.ts';
import { type LabCluster, startLabCluster } from './lab-cluster.ts';

let lab: LabCluster;
let console: LabDashboard;
let said = '';

beforeAll(async () => {
  await ensureBuilt();
  const stderr = {
    write: async (text: string) => {
      said += text;
    },
    isTTY: false,
    columns: 80,
    color: false,
  };
  console = labDashboard({ clock, stderr, nonce: () => 'n', connect: async () => lab.cluster });
  lab = await startLabCluster({ console });
  console.open(lab.kubeconfig);
}, 60_000);
afterAll(async () => {
  await console.close();
  await lab.close();
});

async function get(pod: string, path: string, cookie = '', key = ''): Promise<string> {
  const stream = await lab.cluster.portForward('istio-system', pod, 20001);
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
    // The last chunk of a chunked answer.
    if (answer.endsWith('0\r\n\r\n')) resolve(answer);
  });
  stream.write(
    `GET ${path} HTTP/1.1\r\nhost: localhost:20001\r\ncookie: ${cookie}\r\nx-padlock: ${key}\r\nconnection: close\r\n\r\n`,
  );
  await promise;
  stream.destroy();
  return answer;
}

test('the token in the pod’s log opens the dashboard through a port-forward, and nothing else does', async () => {
  const { api } = lab.lab;
  const pod = await eventually(api, ['pods'], () =>
    api.list('pods').find((one) => one.metadata.labels?.app === 'kiali' && statusOf(one).phase === 'Running'),
  );
  const { name } = pod.metadata;
  const log = await lab.cluster.raw({
    method: 'GET',
    path: `/api/v1/namespaces/istio-system/pods/${name}/log`,
  });
  const token = /token=(\S+)/.exec(log.body)?.[1] ?? '';
  expect(token).toHaveLength(32);
  expect(await get(name, '/')).toMatch(/^HTTP\/1\.1 401 /);
  const signedIn = await get(name, `/?token=${token}`);
  expect(signedIn).toMatch(/^HTTP\/1\.1 303 /);
  const cookie = /set-cookie: ([^;]+)/i.exec(signedIn)?.[1] ?? '';
  const key = /location: \/#key=(\S+)/i.exec(signedIn)?.[1] ?? '';
  expect(await get(name, '/api/state', cookie, key)).toContain('"allowChanges":false');
  expect(said).toBe('');
});

/** The lab's small curl beside the machine's own: the same requests, the same answers, the same exit codes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../istio/kubernetes.ts';
import { resourceOf } from '../../../cluster-core.ts';
import { findExecutable } from '../../../find-executable.ts';
import { type Lab, startLab } from '../../../lab.ts';
import { scenario } from '../../../scenarios/scenarios.ts';
import { exec, type Ran } from '../../../testing/core.ts';
import { eventually, isRolledOut } from '../../../testing/wait.ts';
import { parseSmallCurl, SmallCurlRefusal } from './options.ts';

const hasCurl = findExecutable('curl', process.env.PATH ?? '') !== undefined;

async function startWith(path: string): Promise<Lab> {
  const lab = await startLab({ path });
  const create = (object: KubeObject): void => {
    lab.api.create(resourceOf(lab.api, object), object, 'test');
  };
  for (const object of scenario('server-first').objects) create(object);
  create({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'shop' },
    spec: { mtls: { mode: 'STRICT' } },
  });
  const done = (): boolean => lab.api.list('deployments.apps').every(isRolledOut);
  await eventually(lab.api, ['deployments.apps'], done);
  await lab.istiod.whenSynced();
  return lab;
}

describe.skipIf(!hasCurl)('beside curl (skipped where the machine has none)', () => {
  let labs: readonly Lab[];
  beforeAll(async () => {
    labs = [await startWith(process.env.PATH ?? ''), await startWith('')];
  });
  afterAll(() => Promise.all(labs.map((lab) => lab.close())));

  async function both(from: string, ...words: readonly string[]): Promise<readonly Ran[]> {
    const [namespace = '', app = ''] = from.split('/');
    return Promise.all(
      labs.map((lab) =>
        exec(lab.kubelet, lab.api.list('pods', { namespace, labels: { app } })[0], app, 'curl', ...words),
      ),
    );
  }

  const url = 'http://httpbin.shop:8000';
  const code = ['-o', '/dev/null', '-w', '%{http_code} %{exitcode}\\n'];
  test.each([
    [
      'an answer',
      'shop/sleep',
      ['-s', '-A', 'x', `${url}/anything?a=b`, '-H', 'X-Request-Id: 1', '-H', 'X-B3-Flags;'],
    ],
    [
      'a body',
      'shop/sleep',
      ['-s', '-A', 'x', '-d', 'a=b', '-d', 'c=d', `${url}/post`, '-H', 'X-Request-Id: 1'],
    ],
    ['JSON', 'shop/sleep', ['-s', '-A', 'x', '--json', '{"a":1}', `${url}/post`, '-H', 'X-Request-Id: 1']],
    ['a status', 'shop/sleep', ['-s', ...code, `${url}/status/418`]],
    ['--fail', 'shop/sleep', ['-sSf', ...code, `${url}/status/404`]],
    ['a redirect', 'shop/sleep', ['-sL', ...code, `${url}/redirect/2`]],
    ['a redirect that is not followed', 'shop/sleep', ['-s', ...code, `${url}/redirect/2`]],
    [
      'several URLs',
      'shop/sleep',
      [
        '-s',
        '-w',
        '%{http_code}\\n',
        '-o',
        '/dev/null',
        `${url}/get`,
        '-o',
        '/dev/null',
        `${url}/status/204`,
      ],
    ],
    ['an unknown name', 'shop/sleep', ['-sS', ...code, 'http://nobody.shop/']],
    [
      'a port where nobody listens',
      'reporting/mysql-client',
      ['-sS', ...code, 'http://istiod.istio-system:9'],
    ],
    ['STRICT', 'reporting/mysql-client', ['-sS', ...code, `${url}/get`]],
    [
      'TLS without a certificate',
      'reporting/mysql-client',
      ['-sSk', ...code, 'https://httpbin.shop:8000/get'],
    ],
    ['a server that speaks first', 'shop/sleep', ['-sS', '-m', '1', 'telnet://mysql.shop:3306']],
    [
      'a bare connection that STRICT lets wait',
      'reporting/mysql-client',
      ['-sS', '-m', '1', 'telnet://mysql.shop:3306'],
    ],
    ['a time limit', 'shop/sleep', ['-sS', '-m', '0.3', ...code, `${url}/delay/3`]],
    ['no URL', 'shop/sleep', ['-s']],
  ])('%s', async (_what, from, words) => {
    const [curl, small] = (await both(from, ...words)).map(({ code: ended, stdout, stderr }) => ({
      ended,
      // Each lab has certificates and addresses of its own; curl heeds telnet's commands, which are no text.
      stdout: stdout
        .replace(/Hash=\w+/, 'Hash')
        .replace(/10\.\d+\.\d+\.\d+/g, 'IP')
        .replace(/[^\x20-\x7e\n]/g, ''),
      complaint: /^curl: \(\d+\)/m.exec(stderr)?.[0],
    }));
    expect(small).toEqual({ ...curl, complaint: curl?.complaint ?? small?.complaint });
  });
});

test('options that it does not know are told', () => {
  expect(() => parseSmallCurl(['--http3', 'http://a'])).toThrow(SmallCurlRefusal);
  expect(() => parseSmallCurl(['-sZ', 'http://a'])).toThrow(/option -Z: is unknown/);
  expect(() => parseSmallCurl(['-m'])).toThrow(/option -m: requires parameter/);
  expect(() => parseSmallCurl(['-m', 'soon'])).toThrow(/numerical/);
  expect(parseSmallCurl(['-sSo/dev/null', '-XPUT', 'a', '-w', 'x'])).toMatchObject({
    silent: true,
    showError: true,
    outputs: ['/dev/null'],
    method: 'PUT',
    urls: ['a'],
    writeOut: 'x',
  });
});

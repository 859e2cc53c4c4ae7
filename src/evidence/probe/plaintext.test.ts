/** Kept connections, missing rights, and the ways that are tried one after another. */
import { expect, test } from 'vitest';
import type { ExecResult, RawRequest, RawResponse } from '../../sources/cluster.ts';
import { MemoryCluster } from '../../sources/memory-cluster.ts';
import { probePlaintext } from './plaintext.ts';

const answered: RawResponse = { status: 200, headers: {}, body: 'hello' };
const status = (code: number, message: string): RawResponse => ({
  status: code,
  headers: {},
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', message }),
});
const reset = status(503, 'error trying to reach service: read tcp: read: connection reset by peer');
const freshReset = status(500, 'read tcp: read: connection reset by peer');
const forbidden = status(403, 'pods "a:80" is forbidden: User "jane" cannot get resource "pods/proxy"');

interface World {
  readonly raw: (request: RawRequest, time: number) => RawResponse;
  readonly exec?: (pod: string) => ExecResult;
  readonly refusalExpected?: boolean;
}

async function probe({ raw, exec, refusalExpected = true }: World) {
  let time = 0;
  const cluster = new MemoryCluster({
    raw: (request) => raw(request, time),
    exec: (_namespace, pod) => exec?.(pod) ?? { stdout: '', stderr: '', exitCode: 127 },
  });
  const target = { namespace: 'shop', pod: 'cart', port: 80, address: '10.0.0.1', refusalExpected };
  const callers = ['cart', 'a', 'b'].map((pod) => ({ namespace: 'shop', pod, container: 'istio-proxy' }));
  const result = await probePlaintext(target, callers, {
    cluster,
    now: () => time,
    sleep: async (milliseconds) => {
      time += milliseconds;
    },
    nonce: () => 'n',
  });
  return { ...result, time };
}

test('an answer over a kept connection is looked at again on a new one', async () => {
  const raw = ({ headers }: RawRequest) => (headers?.upgrade === undefined ? answered : freshReset);
  expect((await probe({ raw })).outcome.kind).toBe('reset');
  // Where plaintext is allowed anyway there is nothing to look at twice.
  expect((await probe({ raw, refusalExpected: false })).outcome.kind).toBe('answered');
  expect((await probe({ raw: () => answered })).outcome.kind).toBe('answered');
});

test('where no new connection can be had, the drain is waited out, and not longer', async () => {
  const drained = ({ headers }: RawRequest, time: number) =>
    headers?.upgrade === undefined ? (time < 40_000 ? answered : reset) : status(400, 'no upgrades here');
  const waited = await probe({ raw: drained });
  expect(waited.outcome.kind).toBe('reset');
  expect(waited.time).toBeGreaterThanOrEqual(40_000);
  const never = await probe({
    raw: ({ headers }) => (headers?.upgrade === undefined ? answered : status(400, 'no')),
  });
  expect(never.outcome.kind).toBe('answered');
  expect(never.time).toBeLessThan(70_000);
});

test('without the pod proxy another pod calls; the pod itself and those without curl are passed over', async () => {
  const tried: string[] = [];
  const result = await probe({
    raw: () => forbidden,
    exec: (pod) => {
      tried.push(pod);
      return pod === 'a'
        ? { stdout: '', stderr: 'sh: curl: not found', exitCode: 127 }
        : {
            stdout: '\n\npadlock-end 0 000 56 \n',
            stderr: 'curl: (56) Recv failure: Connection reset by peer',
            exitCode: 56,
          };
    },
  });
  expect(result.outcome.kind).toBe('reset');
  expect(result.caller).toBe('curl in shop/b (istio-proxy)');
  expect(tried).toEqual(['a', 'b']);
});

test('where no way is open, the first one’s missing right is named', async () => {
  const result = await probe({ raw: () => forbidden });
  expect(result.outcome).toMatchObject({ kind: 'not-allowed', right: 'get pods/proxy' });
});

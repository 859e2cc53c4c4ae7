/** The guard's table of cases, sent over HTTP to the lab's API server, which runs the policies' CEL. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ServedApi, serveApi } from '../../lab/api/testing/serve-api.ts';
import type { Kubelet } from '../../lab/kubelet/kubelet.ts';
import { connectCluster } from '../../sources/kube/connect.ts';
import { injectionCases, modeCases, ruleCases } from './testing/guard-cases.ts';
import { type Tried, tryCases } from './testing/try-cases.ts';

const cases = [...modeCases, ...ruleCases, ...injectionCases];
let served: ServedApi;
let tried: readonly Tried[];

beforeAll(async () => {
  // Admission needs no nodes.
  served = await serveApi({} as Kubelet);
  const cluster = await connectCluster({ kubeconfig: served.kubeconfig, env: {}, now: Date.now });
  tried = await tryCases(cluster, cases);
});
afterAll(() => served.close());

it.each(cases.map((one, index) => ({ ...one, index })))('$name', ({ index, refused }) => {
  const { status, message } = tried[index] ?? { status: 0, message: 'not tried' };
  if (refused === undefined)
    expect({ status, message }).toEqual({ status: expect.toSatisfy((code) => code < 300), message: '' });
  else {
    expect(message).toMatch(refused);
    expect(status).toBe(403);
  }
});

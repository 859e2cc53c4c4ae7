/** The guard's table again, on a real kube-apiserver: run with PADLOCK_REAL_KUBERNETES=1 where test/kubernetes has been built. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ControlPlane,
  isBuilt,
  istioCrds,
  startControlPlane,
} from '../../../test/kubernetes/control-plane.ts';
import type { Cluster } from '../../sources/cluster.ts';
import { dig } from '../../sources/json-value.ts';
import { connectCluster } from '../../sources/kube/connect.ts';
import { policyType } from './install.ts';
import { injectionCases, modeCases, ruleCases } from './testing/guard-cases.ts';
import { type Tried, tryCases } from './testing/try-cases.ts';

const cases = [...modeCases, ...ruleCases, ...injectionCases];
const wanted = process.env.PADLOCK_REAL_KUBERNETES === '1' && isBuilt();

describe.skipIf(!wanted)('a real kube-apiserver (PADLOCK_REAL_KUBERNETES=1)', () => {
  let plane: ControlPlane;
  let cluster: Cluster;
  let tried: readonly Tried[];

  beforeAll(async () => {
    plane = await startControlPlane();
    const kubectl = promisify(execFile);
    await kubectl('kubectl', [
      '--kubeconfig',
      plane.kubeconfig,
      'apply',
      '--server-side',
      '-f',
      await istioCrds(),
    ]);
    await kubectl('kubectl', [
      '--kubeconfig',
      plane.kubeconfig,
      'wait',
      '--for=condition=Established',
      '--all',
      'crd',
      '--timeout=60s',
    ]);
    cluster = await connectCluster({ kubeconfig: plane.kubeconfig, env: {}, now: Date.now });
    tried = await tryCases(cluster, cases);
  }, 240_000);
  afterAll(() => plane?.stop());

  it.each(cases.map((one, index) => ({ ...one, index })))('$name', ({ index, refused, act }) => {
    const { status, message } = tried[index] ?? { status: 0, message: 'not tried' };
    if (refused !== undefined) {
      expect(message).toMatch(refused);
      expect(status).toBe(403);
    } else if (!act.afterNamespace)
      expect({ status, message }).toEqual({ status: expect.toSatisfy((code) => code < 300), message: '' });
    // The namespace's controller may have been faster with the policy.
    else expect(status === 404 || status < 300).toBe(true);
  });

  it('finds no fault with the types', async () => {
    const deadline = Date.now() + 30_000;
    let checked: readonly unknown[] = [undefined];
    let policies: Awaited<ReturnType<Cluster['list']>>['items'] = [];
    while (checked.includes(undefined) && Date.now() < deadline) {
      ({ items: policies } = await cluster.list(policyType, {}));
      checked = policies.map(({ status }) => dig(status, 'observedGeneration'));
    }
    expect(checked).not.toContain(undefined);
    expect(policies.flatMap(({ status }) => dig(status, 'typeChecking', 'expressionWarnings') ?? [])).toEqual(
      [],
    );
  }, 60_000);
});

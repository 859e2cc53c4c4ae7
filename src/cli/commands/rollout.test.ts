import { expect, test } from 'vitest';
import { initialState, type RolloutState } from '../../rollout/machine.ts';
import type { Plan } from '../../rollout/plan.ts';
import { recordWrite } from '../../rollout/record.ts';
import { FakeCluster } from '../../rollout/testing/fake-cluster.ts';
import { type RecordedContext, recordedContext } from '../testing/recorded-context.ts';
import { history, resume, status } from './rollout.ts';
import secure from './secure.ts';

const plan: Plan = {
  namespace: 'shop',
  workloads: [],
  until: 'strict',
  maxErrors: { kind: 'count', value: 0 },
  steps: [
    { kind: 'policy', stage: 'permissive', title: 'set it to PERMISSIVE', writes: [], undo: { writes: [] } },
    { kind: 'policy', stage: 'strict', title: 'set it to STRICT', writes: [], undo: { writes: [] } },
  ],
  leftOut: [],
};

const now = '2026-11-26T12:00:30Z';

function recorded(
  changes: Partial<RolloutState>,
  objects: ConstructorParameters<typeof FakeCluster>[0] = [],
): RecordedContext {
  const state = { ...initialState(plan), ...changes };
  const { manifest } = recordWrite(state, '2026-11-26T12:00:00Z');
  return recordedContext(new FakeCluster([manifest, ...objects]), now);
}

const look = { output: 'text' } as const;
const drive = { output: 'text', yes: true, timeout: 1_000, probeImage: 'curl' } as const;

test('status tells the step, the reason and the two ways on', async () => {
  const context = recorded({ status: 'paused', reached: 1, reason: 'Ctrl-C' });
  await status.call(context, look, 'shop');
  expect(context.written.out).toBe(`Rollout of shop: paused
Begun 2026-11-26T12:00:00Z, saved 2026-11-26T12:00:00Z
No run holds the Lease.
Why: Ctrl-C

  done  1. set it to PERMISSIVE
  now   2. set it to STRICT

To go on:        padlock rollout resume shop
To take it back: padlock rollout abort shop
`);
});

test('status tells a run that lives from one that died', async () => {
  const lease = (renewTime: string) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'shop', name: 'padlock-rollout' },
    spec: { holderIdentity: 'alice@laptop', leaseDurationSeconds: 30, renewTime },
  });
  const lives = recorded({ status: 'running' }, [lease('2026-11-26T12:00:25.000000Z')]);
  await status.call(lives, look, 'shop');
  expect(lives.written.out).toContain('Driven by alice@laptop, renewed 5 s ago');
  const died = recorded({ status: 'running' }, [lease('2026-11-26T11:59:59.000000Z')]);
  await status.call(died, look, 'shop');
  expect(died.written.out).toContain('the run that began it ended without a word');
});

test('without a record there is nothing to look at; a finished rollout is not resumed', async () => {
  const none = recordedContext(new FakeCluster([]), now);
  await expect(status.call(none, look, 'shop')).rejects.toMatchObject({ code: 'ROLLOUT_NOT_FOUND' });
  await expect(history.call(none, look, 'shop')).rejects.toMatchObject({ code: 'ROLLOUT_NOT_FOUND' });
  const done = recorded({ status: 'done', reached: 2 });
  await expect(resume.call(done, drive, 'shop')).rejects.toMatchObject({
    code: 'USAGE',
    message: 'the rollout of shop is done: nothing to resume',
  });
});

test('what could not be restored keeps a new rollout from beginning, which would forget what stood before', async () => {
  const context = recorded({ status: 'stuck', direction: 'back', unrestored: ['label namespace shop: 403'] });
  const flags = { ...drive, until: 'strict' } as const;
  await expect(secure.call(context, flags, 'shop')).rejects.toMatchObject({
    code: 'PREFLIGHT_REFUSED',
    message: expect.stringContaining('label namespace shop: 403'),
    hint: expect.stringContaining('padlock rollout abort shop'),
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { currentTarget, oldTargets, proportionalTargets, type SetCounts } from './deployment-plan.ts';

const counts = (name: string): fc.Arbitrary<SetCounts> =>
  fc
    .record({ wanted: fc.nat(10), missing: fc.nat(10), unready: fc.nat(10) })
    .map(({ wanted, missing, unready }) => {
      const existing = Math.max(0, wanted - missing);
      return { name, wanted, existing, available: Math.max(0, existing - unready) };
    });
const limits = fc
  .record({ maxSurge: fc.nat(5), maxUnavailable: fc.nat(5) })
  .filter(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0);

test('a rollout never asks for more pods than the surge allows', () => {
  fc.assert(
    fc.property(
      fc.nat(10),
      limits,
      counts('new'),
      counts('a'),
      counts('b'),
      (replicas, limit, current, a, b) => {
        const target = currentTarget(replicas, limit, current, [a, b]);
        const total = target + a.wanted + b.wanted;
        const before = current.wanted + a.wanted + b.wanted;
        expect(target).toBeLessThanOrEqual(Math.max(replicas, current.wanted));
        expect(total).toBeLessThanOrEqual(Math.max(replicas + limit.maxSurge, before));
      },
    ),
  );
});

test('old sets shrink by no more available pods than may be missing', () => {
  fc.assert(
    fc.property(
      fc.nat(10),
      limits,
      counts('new'),
      counts('a'),
      counts('b'),
      (replicas, limit, current, a, b) => {
        const targets = oldTargets(replicas, limit, current, [a, b]);
        const available = current.available + a.available + b.available;
        const left = [a, b].reduce(
          (sum, set) => sum + Math.min(set.available, targets.get(set.name) ?? 0),
          current.available,
        );
        for (const set of [a, b]) {
          const target = targets.get(set.name) ?? -1;
          expect(target).toBeGreaterThanOrEqual(0);
          expect(target).toBeLessThanOrEqual(set.wanted);
        }
        expect(left).toBeGreaterThanOrEqual(
          Math.min(available, Math.max(0, replicas - limit.maxUnavailable)),
        );
      },
    ),
  );
});

test('a scaling in mid-rollout shares out exactly what is allowed', () => {
  fc.assert(
    fc.property(fc.nat(30), fc.array(fc.nat(10), { minLength: 1, maxLength: 4 }), (allowed, wanted) => {
      const sets = wanted.map((count, index) => ({
        name: String(index),
        wanted: count,
        existing: count,
        available: count,
      }));
      const targets = [...proportionalTargets(allowed, sets).values()];
      expect(targets.reduce((sum, target) => sum + target, 0)).toBe(allowed);
      expect(Math.min(...targets)).toBeGreaterThanOrEqual(0);
    }),
  );
});

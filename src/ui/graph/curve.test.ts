import { expect, test } from 'vitest';
import { curveBetween, distanceTo, pointOn } from './curve.ts';

const left = { x: 0, y: 0, width: 100, height: 40 };
const right = { x: 400, y: 200, width: 100, height: 40 };

test('a curve goes from border to border, and back is another', () => {
  const there = curveBetween(left, right);
  const back = curveBetween(right, left);
  expect(there.start.x === 100 || there.start.y === 40).toBe(true);
  expect(there.end.x).toBeLessThan(right.x);
  const [a, b] = [pointOn(there, 0.5), pointOn(back, 0.5)];
  expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(20);
});

test('what is on the curve is found, what is beside it is not', () => {
  const curve = curveBetween(left, right);
  for (const at of [0, 0.13, 0.5, 0.77, 1])
    expect(distanceTo(curve, pointOn(curve, at), 7)).toBeLessThan(0.5);
  const middle = pointOn(curve, 0.5);
  expect(distanceTo(curve, { x: middle.x, y: middle.y + 40 }, 7)).toBeUndefined();
  // Beyond its end, and where only the bounds of its three points reach.
  expect(distanceTo(curve, { x: right.x + 50, y: right.y + 60 }, 7)).toBeUndefined();
  const { control, start } = curve;
  expect(distanceTo(curve, control, 7)).toBeUndefined();
  expect(distanceTo(curve, start, 7)).toBe(0);
});

test('of two boxes in one place nothing is asked that cannot be answered', () => {
  const curve = curveBetween(left, left);
  expect(distanceTo(curve, pointOn(curve, 0.5), 7)).toBe(0);
});

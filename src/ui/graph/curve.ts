/** The line between two boxes: from border to border, bent a little to its right, so that there and back are two lines. */
import type { Box } from '../worker/protocol.ts';

export interface Curve {
  readonly path: string;
  /** The middle of the line, where the padlock stands. */
  readonly x: number;
  readonly y: number;
}

const bend = 0.13;
const mostBend = 90;
/** Room for the arrow's point. */
const margin = 5;

export function curveBetween(source: Box, target: Box): Curve {
  const from = centre(source);
  const to = centre(target);
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const offset = Math.min(mostBend, length * bend);
  const control = {
    x: (from.x + to.x) / 2 - (dy / length) * offset,
    y: (from.y + to.y) / 2 + (dx / length) * offset,
  };
  const start = onBorder(source, control, 0);
  const end = onBorder(target, control, margin);
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    path: `M${round(start.x)} ${round(start.y)}Q${round(control.x)} ${round(control.y)} ${round(end.x)} ${round(end.y)}`,
    x: start.x / 4 + control.x / 2 + end.x / 4,
    y: start.y / 4 + control.y / 2 + end.y / 4,
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function centre({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

/** Where the line from the box's centre towards a point leaves the box. */
function onBorder(box: Box, towards: Point, extra: number): Point {
  const at = centre(box);
  const dx = towards.x - at.x;
  const dy = towards.y - at.y;
  if (dx === 0 && dy === 0) return at;
  const scale = Math.min(
    (box.width / 2 + extra) / Math.max(Math.abs(dx), 1e-6),
    (box.height / 2 + extra) / Math.max(Math.abs(dy), 1e-6),
  );
  return { x: at.x + dx * Math.min(1, scale), y: at.y + dy * Math.min(1, scale) };
}

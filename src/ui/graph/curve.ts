/** The line between two boxes: from border to border, bent a little to its right, so that there and back are two lines. */
import type { Box } from '../worker/protocol.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A quadratic Bézier curve. */
export interface Curve {
  readonly start: Point;
  readonly control: Point;
  readonly end: Point;
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
  return { start: onBorder(source, control, 0), control, end: onBorder(target, control, margin) };
}

/** The point of the curve at a part of its way between 0 and 1; the padlock stands at a half. */
export function pointOn({ start, control, end }: Curve, at: number): Point {
  const rest = 1 - at;
  return {
    x: rest * rest * start.x + 2 * rest * at * control.x + at * at * end.x,
    y: rest * rest * start.y + 2 * rest * at * control.y + at * at * end.y,
  };
}

export function svgPath({ start, control, end }: Curve): string {
  const text = ({ x, y }: Point): string => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
  return `M${text(start)}Q${text(control)} ${text(end)}`;
}

/** How far a point is from the curve; `undefined` when it is farther than `within`. */
export function distanceTo(curve: Curve, point: Point, within: number): number | undefined {
  const { start, control, end } = curve;
  // The curve lies between its three points.
  if (
    point.x < Math.min(start.x, control.x, end.x) - within ||
    point.x > Math.max(start.x, control.x, end.x) + within ||
    point.y < Math.min(start.y, control.y, end.y) - within ||
    point.y > Math.max(start.y, control.y, end.y) + within
  )
    return undefined;
  let nearest = within;
  let from = start;
  for (let step = 1; step <= pieces; step++) {
    const to = pointOn(curve, step / pieces);
    nearest = Math.min(nearest, distanceToPiece(from, to, point));
    from = to;
  }
  return nearest < within ? nearest : undefined;
}

/** The bend is slight: so many straight pieces are the curve to a fraction of a pixel. */
const pieces = 16;

function distanceToPiece(from: Point, to: Point, { x, y }: Point): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / square;
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(x - from.x - at * dx, y - from.y - at * dy);
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

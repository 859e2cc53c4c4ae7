/**
 * Paints lines, and boxes as they look from afar, with a 2D canvas. Measured without a graphics card: 2,000 long curves take 35 to 110 ms when they are wider
 * than a pixel, and 11 to 30 ms at one pixel, each by itself; as one path they take 200 ms and more.
 */
import { type EdgeState, edgeStates } from '../../mesh/graph/edge-state.ts';
import { lineDashes } from '../shapes.ts';
import { paintBoxes } from './paint-boxes.ts';
import { paintLocks } from './paint-locks.ts';
import type { Frame, Line, Scene } from './scene.ts';

export type Canvas = OffscreenCanvasRenderingContext2D;

/** From this zoom on there is room for arrow heads. */
const arrowZoom = 0.45;
/** From this zoom on there is room for padlocks. */
const lockZoom = 0.3;
/** More lines than these are a texture: each is thin. */
const many = 600;
/** More lines than these are a pixel thick, which costs a third of more. */
const several = 200;
const arrow = { length: 8, half: 3.6 } as const;

export function paint(canvas: Canvas, scene: Scene, frame: Frame): void {
  canvas.setTransform(1, 0, 0, 1, 0, 0);
  canvas.clearRect(0, 0, canvas.canvas.width, canvas.canvas.height);
  const visible = scene.lines.flatMap((line) => onScreen(line, frame, canvas.canvas) ?? []);
  for (const group of groups(visible)) {
    const [{ line }] = group;
    const look = lookOf(line, frame, visible.length);
    canvas.strokeStyle = scene.palette[look.colour];
    canvas.fillStyle = scene.palette[look.colour];
    canvas.globalAlpha = look.alpha;
    canvas.lineWidth = look.width;
    for (const one of group) stroke(canvas, one, look.dash, frame.camera.zoom >= arrowZoom ? frame.ratio : 0);
  }
  canvas.globalAlpha = 1;
  canvas.setLineDash([]);
  paintBoxes(canvas, scene, frame);
  canvas.setLineDash([]);
  if (frame.camera.zoom >= lockZoom) paintLocks(canvas, scene, visible, frame);
}

/** A line in the picture's pixels, cut into straight pieces, and which of these are on the picture. */
export interface VisibleLine {
  readonly line: Line;
  readonly pieces: Float64Array;
  readonly first: number;
  readonly last: number;
  /** How long the line is up to the first visible piece: its dashes begin there. */
  readonly skipped: number;
}

const pixelsOfPiece = 70;
const mostPieces = 28;
const fewestPieces = 5;

function onScreen(line: Line, frame: Frame, size: { readonly width: number; readonly height: number }) {
  const { camera, margin, ratio } = frame;
  const scale = camera.zoom * ratio;
  const left = (camera.x + margin) * ratio;
  const top = (camera.y + margin) * ratio;
  const [x0, y0, x1, y1, x2, y2] = line.points;
  const ax = x0 * scale + left;
  const ay = y0 * scale + top;
  const bx = x1 * scale + left;
  const by = y1 * scale + top;
  const cx = x2 * scale + left;
  const cy = y2 * scale + top;
  if (Math.max(ax, bx, cx) < 0 || Math.min(ax, bx, cx) > size.width) return undefined;
  if (Math.max(ay, by, cy) < 0 || Math.min(ay, by, cy) > size.height) return undefined;
  const count = Math.round(
    Math.min(mostPieces, Math.max(fewestPieces, Math.hypot(cx - ax, cy - ay) / pixelsOfPiece)),
  );
  const pieces = new Float64Array(2 * (count + 1));
  for (let step = 0; step <= count; step++) {
    const at = step / count;
    const rest = 1 - at;
    pieces[2 * step] = rest * rest * ax + 2 * rest * at * bx + at * at * cx;
    pieces[2 * step + 1] = rest * rest * ay + 2 * rest * at * by + at * at * cy;
  }
  return cut(line, pieces, count, size);
}

/** Dashing what is far outside costs as much as dashing what is seen. */
function cut(
  line: Line,
  pieces: Float64Array,
  count: number,
  size: { readonly width: number; readonly height: number },
): VisibleLine | undefined {
  let first = -1;
  let last = -1;
  let skipped = 0;
  for (let step = 0; step < count; step++) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = pieces.subarray(2 * step, 2 * step + 4);
    const outside =
      Math.max(x0, x1) < 0 ||
      Math.min(x0, x1) > size.width ||
      Math.max(y0, y1) < 0 ||
      Math.min(y0, y1) > size.height;
    if (!outside) {
      if (first < 0) first = step;
      last = step;
    } else if (first < 0) skipped += Math.hypot(x1 - x0, y1 - y0);
  }
  return first < 0 ? undefined : { line, pieces, first, last, skipped };
}

type Group = readonly [VisibleLine, ...VisibleLine[]];

/** Lines that look the same, the least important group first. */
function groups(lines: readonly VisibleLine[]): readonly Group[] {
  const found = new Map<number, [VisibleLine, ...VisibleLine[]]>();
  for (const one of lines) {
    const rank = rankOf(one.line);
    const group = found.get(rank);
    if (group === undefined) found.set(rank, [one]);
    else group.push(one);
  }
  return [...found].sort(([a], [b]) => b - a).map(([, group]) => group);
}

const tones = ['breaks', 'plain', 'dim'] as const satisfies readonly Line['tone'][];

function rankOf({ state, observed, tone }: Line): number {
  return (
    tones.indexOf(tone) * 2 * edgeStates.length +
    (observed ? 0 : edgeStates.length) +
    edgeStates.indexOf(state)
  );
}

interface Look {
  readonly colour: EdgeState;
  readonly alpha: number;
  readonly width: number;
  readonly dash: readonly number[];
}

function lookOf({ state, observed, tone }: Line, { camera, ratio }: Frame, count: number): Look {
  const dash = lineDashes[state].map((length) => length * ratio);
  if (tone === 'breaks') return { colour: 'plaintext', alpha: 1, width: 3 * ratio, dash };
  const crowded = count > many;
  const thin = count > several || camera.zoom < 0.5 ? 1 : 1.4;
  const width = (observed ? (camera.zoom < 0.3 ? 2 : 3) : thin) * ratio;
  if (tone === 'dim') return { colour: state, alpha: crowded ? 0.07 : 0.14, width: ratio, dash };
  const calm = state === 'mtls' ? 0.7 : 1;
  return { colour: state, alpha: (observed ? 0.95 : crowded ? 0.5 : 0.8) * calm, width, dash };
}

/** @param arrowRatio device pixels for each pixel of an arrow head; 0 for none */
function stroke(canvas: Canvas, one: VisibleLine, dash: readonly number[], arrowRatio: number): void {
  const { pieces, first, last, skipped } = one;
  canvas.setLineDash(dash as number[]);
  canvas.lineDashOffset = skipped;
  canvas.beginPath();
  canvas.moveTo(pieces[2 * first] ?? 0, pieces[2 * first + 1] ?? 0);
  for (let step = first + 1; step <= last + 1; step++)
    canvas.lineTo(pieces[2 * step] ?? 0, pieces[2 * step + 1] ?? 0);
  canvas.stroke();
  if (arrowRatio > 0 && 2 * (last + 2) >= pieces.length) head(canvas, pieces, arrowRatio);
}

function head(canvas: Canvas, pieces: Float64Array, ratio: number): void {
  const [fromX = 0, fromY = 0, x = 0, y = 0] = pieces.subarray(-4);
  const length = Math.hypot(x - fromX, y - fromY) || 1;
  const dx = (x - fromX) / length;
  const dy = (y - fromY) / length;
  const backX = x - dx * arrow.length * ratio;
  const backY = y - dy * arrow.length * ratio;
  canvas.beginPath();
  canvas.moveTo(x, y);
  canvas.lineTo(backX - dy * arrow.half * ratio, backY + dx * arrow.half * ratio);
  canvas.lineTo(backX + dy * arrow.half * ratio, backY - dx * arrow.half * ratio);
  canvas.fill();
}

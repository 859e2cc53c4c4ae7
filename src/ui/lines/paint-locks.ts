/** Paints padlocks upon lines: the worst first, each where no other and no box is in its place. */
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import { lockBox, lockShapes, type Part } from '../shapes.ts';
import type { Box } from '../worker/protocol.ts';
import type { Canvas, VisibleLine } from './paint.ts';
import type { Frame, Line, Palette, Scene } from './scene.ts';

/** In CSS pixels. */
const size = { largest: 18, smallest: 13, apart: 58 } as const;

export function paintLocks(
  canvas: Canvas,
  scene: Scene,
  lines: readonly VisibleLine[],
  { camera, margin, ratio }: Frame,
): void {
  const pixels = Math.min(size.largest, Math.max(size.smallest, size.largest * camera.zoom * 1.3));
  const cell = size.apart / camera.zoom;
  const taken = new Set<string>();
  const hidden = boxIndex(scene.boxes);
  for (const { line } of lines) {
    if (line.tone === 'dim') continue;
    const { x, y } = middle(line);
    // Cells stand still in the graph, so that no padlock jumps while the picture is moved.
    const place = `${Math.floor(x / cell)} ${Math.floor(y / cell)}`;
    if (taken.has(place) || hidden(x, y, pixels / camera.zoom)) continue;
    taken.add(place);
    canvas.setTransform(
      ratio,
      0,
      0,
      ratio,
      (x * camera.zoom + camera.x + margin) * ratio,
      (y * camera.zoom + camera.y + margin) * ratio,
    );
    paintLock(canvas, scene.palette, line.state, pixels);
    if (line.refusals && line.state !== 'refused') {
      canvas.translate(pixels * 0.75, 0);
      paintLock(canvas, scene.palette, 'refused', pixels * 0.7);
    }
  }
  canvas.setTransform(1, 0, 0, 1, 0, 0);
}

export function middle({ points: [x0, y0, x1, y1, x2, y2] }: Line): {
  readonly x: number;
  readonly y: number;
} {
  return { x: x0 / 4 + x1 / 2 + x2 / 4, y: y0 / 4 + y1 / 2 + y2 / 4 };
}

const indexCell = 400;

/** Whether a point is in a box, or so near that a padlock there would be cut. */
function boxIndex(boxes: readonly Box[]): (x: number, y: number, room: number) => boolean {
  const cells = new Map<string, Box[]>();
  for (const box of boxes) {
    for (let x = Math.floor((box.x - 40) / indexCell); x <= (box.x + box.width + 40) / indexCell; x++) {
      for (let y = Math.floor((box.y - 40) / indexCell); y <= (box.y + box.height + 40) / indexCell; y++) {
        const key = `${x} ${y}`;
        const cell = cells.get(key);
        if (cell === undefined) cells.set(key, [box]);
        else cell.push(box);
      }
    }
  }
  return (x, y, room) =>
    cells
      .get(`${Math.floor(x / indexCell)} ${Math.floor(y / indexCell)}`)
      ?.some(
        (box) =>
          x > box.x - room * 0.6 &&
          x < box.x + box.width + room * 0.6 &&
          y > box.y - room * 0.6 &&
          y < box.y + box.height + room * 0.6,
      ) ?? false;
}

const paths = new Map<Part, Path2D>();

function pathOf(part: Part): Path2D {
  const known = paths.get(part);
  if (known !== undefined) return known;
  const plain = new Path2D(part.path);
  let made = plain;
  if (part.turned !== undefined) {
    const [angle, x, y] = part.turned;
    made = new Path2D();
    made.addPath(plain, new DOMMatrix().translate(x, y).rotate(angle).translate(-x, -y));
  }
  paths.set(part, made);
  return made;
}

function paintLock(canvas: Canvas, palette: Palette, state: EdgeState, pixels: number): void {
  canvas.save();
  canvas.scale(pixels / lockBox, pixels / lockBox);
  canvas.beginPath();
  canvas.arc(0, 0, lockBox * 0.72, 0, 2 * Math.PI);
  canvas.fillStyle = palette.surface;
  canvas.fill();
  canvas.lineWidth = 1;
  canvas.strokeStyle = palette.border;
  canvas.stroke();
  canvas.restore();
  paintGlyph(canvas, palette, state, pixels);
}

/** The padlock itself, about the middle of the canvas as it is moved. */
export function paintGlyph(canvas: Canvas, palette: Palette, state: EdgeState, pixels: number): void {
  canvas.save();
  canvas.scale(pixels / lockBox, pixels / lockBox);
  canvas.translate(-lockBox / 2, -lockBox / 2);
  canvas.lineCap = 'round';
  canvas.lineJoin = 'round';
  for (const part of lockShapes[state] as readonly Part[]) {
    const path = pathOf(part);
    canvas.setLineDash(part.dashed === true ? [3.2, 2.4] : []);
    canvas.lineWidth = part.draw === 'fill' ? 1.4 : 1.7;
    canvas.strokeStyle = part.draw === 'mark' ? palette.surface : palette[state];
    if (part.draw === 'fill') {
      canvas.fillStyle = palette[state];
      canvas.fill(path);
    }
    canvas.stroke(path);
  }
  canvas.restore();
}

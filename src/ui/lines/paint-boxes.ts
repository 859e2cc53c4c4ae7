/** Paints boxes as they look from afar: five hundred elements would be drawn anew with each turn of the wheel. */
import type { NodeState } from '../../mesh/graph/graph.ts';
import type { Canvas } from './paint.ts';
import { paintGlyph } from './paint-locks.ts';
import type { Frame, PaintedBox, Scene } from './scene.ts';

/** Nearer than this they are elements, which lie over what is painted. */
const glyphZoom = 0.5;
const radius = 10;
/** In the graph's pixels. */
const glyph = 46;
const bar = 14;

/** The bar's strokes tell the state as the elements' borders do. */
const barDashes = {
  mtls: [],
  mixed: [],
  plaintext: [2, 2],
  unknown: [4, 2],
} as const satisfies Record<NodeState, readonly number[]>;

export function paintBoxes(canvas: Canvas, { boxes, palette }: Scene, frame: Frame): void {
  const { camera, margin, ratio } = frame;
  const scale = camera.zoom * ratio;
  const { width, height } = canvas.canvas;
  for (const box of boxes) {
    const x = (box.x * camera.zoom + camera.x + margin) * ratio;
    const y = (box.y * camera.zoom + camera.y + margin) * ratio;
    const w = box.width * scale;
    const h = box.height * scale;
    if (x > width || y > height || x + w < 0 || y + h < 0) continue;
    canvas.fillStyle = palette[`${box.state}-soft`];
    canvas.strokeStyle = palette[box.state];
    canvas.lineWidth = ratio;
    canvas.setLineDash([]);
    canvas.beginPath();
    canvas.roundRect(x, y, w, h, radius * scale);
    canvas.fill();
    canvas.stroke();
    paintBar(canvas, box, { x, y, h, scale, ratio });
    if (camera.zoom > glyphZoom) continue;
    canvas.setTransform(1, 0, 0, 1, x + w / 2, y + h / 2);
    paintGlyph(canvas, palette, box.state, glyph * scale);
    canvas.setTransform(1, 0, 0, 1, 0, 0);
  }
}

interface At {
  readonly x: number;
  readonly y: number;
  readonly h: number;
  readonly scale: number;
  readonly ratio: number;
}

function paintBar(canvas: Canvas, { state }: PaintedBox, { x, y, h, scale, ratio }: At): void {
  const width = bar * scale;
  const inset = Math.min(radius * scale * 0.4, h / 4);
  canvas.setLineDash(barDashes[state].map((length) => length * ratio));
  // Two bars where two things are true.
  const bars = state === 'mixed' ? ([0.15, 0.8] as const) : ([0.5] as const);
  canvas.lineWidth = state === 'mixed' ? width * 0.35 : width;
  for (const at of bars) {
    canvas.beginPath();
    canvas.moveTo(x + width * at, y + inset);
    canvas.lineTo(x + width * at, y + h - inset);
    canvas.stroke();
  }
}

/** What the painter is told: the lines, how they look, and which part of them is wanted. Plain data, for a worker. */
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import type { NodeState } from '../../mesh/graph/graph.ts';
import type { Box } from '../worker/protocol.ts';

export interface Line {
  /** Start, control and end of a quadratic Bézier curve, in the graph's own coordinates. */
  readonly points: readonly [number, number, number, number, number, number];
  readonly state: EdgeState;
  readonly observed: boolean;
  /** Some of its calls are refused. */
  readonly refusals: boolean;
  readonly tone: 'plain' | 'dim' | 'breaks';
}

export interface Scene {
  /** The most important first: it is drawn last, over the others. */
  readonly lines: readonly Line[];
  /** As they look from afar. No padlock of a line is put where one of these would hide it. */
  readonly boxes: readonly PaintedBox[];
  readonly palette: Palette;
}

export interface PaintedBox extends Box {
  readonly state: NodeState;
}

/** Colours as CSS writes them. */
export type Palette = Readonly<Record<EdgeState | `${NodeState}-soft` | 'surface' | 'border', string>>;

/** A point of the graph at `p` is on the screen at `p * zoom + (x, y)`. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** A picture of so many CSS pixels, and `margin` more on each side. */
export interface Frame {
  readonly camera: Camera;
  readonly width: number;
  readonly height: number;
  readonly margin: number;
  /** Device pixels for each CSS pixel. */
  readonly ratio: number;
}

export type ToPainter =
  | { readonly kind: 'scene'; readonly number: number; readonly scene: Scene }
  | { readonly kind: 'paint'; readonly frame: Frame };

export interface Painted {
  /** Of the scene that it shows. */
  readonly number: number;
  readonly frame: Frame;
  readonly bitmap: ImageBitmap;
}

export function frameSize({ width, height, margin, ratio }: Frame): {
  readonly width: number;
  readonly height: number;
} {
  return {
    width: Math.max(1, Math.round((width + 2 * margin) * ratio)),
    height: Math.max(1, Math.round((height + 2 * margin) * ratio)),
  };
}

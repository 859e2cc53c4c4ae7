/**
 * The painted lines, under the boxes. The picture of them lies in the graph's own coordinates, so that panning moves it with
 * everything else; a worker paints another where it ends, and when the zoom has come to rest.
 */
import { Panel, type ReactFlowState, useStoreApi, ViewportPortal } from '@xyflow/react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Painter } from '../lines/painter-client.ts';
import type { Frame, Line, Painted, PaintedBox, Palette } from '../lines/scene.ts';
import type { LaidOutView } from '../worker/protocol.ts';

/** Painted beyond each side, in pixels: so far the picture can be moved before more of it is needed. */
const margin = 240;
/** Zoomed by more than this, what is painted is too coarse. */
const coarse = 2.5;
/** While the wheel turns, the boxes are drawn anew with each turn: the lines follow so often, and when it rests. */
const zoomingMs = 300;
const restMs = 100;

export interface LineLayerProps {
  readonly view: LaidOutView;
  readonly lines: readonly Line[];
  readonly theme: 'light' | 'dark';
}

export function LineLayer({ view, lines, theme }: LineLayerProps) {
  const [problem, setProblem] = useState<string>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const palette = usePalette(theme);
  const boxes = useMemo(
    () =>
      view.nodes.flatMap(({ id, state }) => {
        const box = view.boxes[id];
        return box === undefined ? [] : [{ ...box, state }];
      }),
    [view],
  );
  useLines({ canvas, lines, boxes, palette, fail: setProblem });
  if (problem !== undefined) {
    return (
      <Panel position="top-center">
        <p className="note" role="alert">
          The lines cannot be drawn ({problem}); the table has them.
        </p>
      </Panel>
    );
  }
  return (
    <ViewportPortal>
      <canvas ref={canvas} className="painted" />
    </ViewportPortal>
  );
}

interface Lines {
  readonly canvas: { readonly current: HTMLCanvasElement | null };
  readonly lines: readonly Line[];
  readonly boxes: readonly PaintedBox[];
  readonly palette: Palette;
  readonly fail: (message: string) => void;
}

function useLines({ canvas, lines, boxes, palette, fail }: Lines): void {
  const store = useStoreApi();
  const layer = useRef<Layer>(undefined);
  useEffect(() => {
    const made = new Layer(() => frameOf(store.getState()), canvas, fail);
    layer.current = made;
    const stop = store.subscribe(() => made.moved());
    return () => {
      stop();
      made.close();
    };
  }, [store, canvas, fail]);
  useEffect(() => {
    layer.current?.set(lines, boxes, palette);
  }, [lines, boxes, palette]);
}

function frameOf({ transform: [x, y, zoom], width, height }: ReactFlowState): Frame {
  return { camera: { x, y, zoom }, width, height, margin, ratio: devicePixelRatio };
}

/** One canvas, what is painted on it, and what is wanted. */
class Layer {
  readonly #painter: Painter;
  readonly #now: () => Frame;
  readonly #canvas: Lines['canvas'];
  #scene: { readonly lines: readonly Line[]; readonly boxes: readonly PaintedBox[] } | undefined;
  #asked: Frame | undefined;
  #askedAt = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => Frame, canvas: Lines['canvas'], fail: (message: string) => void) {
    this.#now = now;
    this.#canvas = canvas;
    this.#painter = new Painter(
      (painted) => this.#show(painted),
      (message) => {
        this.#clear();
        fail(message);
      },
    );
  }

  set(lines: readonly Line[], boxes: readonly PaintedBox[], palette: Palette): void {
    // Other boxes are another picture: the lines of the last one must not be seen in it.
    if (this.#scene !== undefined && !samePlaces(this.#scene.boxes, boxes)) this.#clear();
    this.#scene = { lines, boxes };
    this.#painter.setScene({ lines, boxes, palette });
    this.#want(this.#now());
  }

  moved(): void {
    if (this.#scene === undefined) return;
    const now = this.#now();
    const zooming = this.#asked !== undefined && this.#asked.camera.zoom !== now.camera.zoom;
    const soon = zooming && performance.now() - this.#askedAt < zoomingMs;
    if (!soon && (this.#asked === undefined || !serves(this.#asked, now))) this.#want(now);
    else if (zooming) {
      clearTimeout(this.#rest);
      this.#rest = setTimeout(() => this.#want(this.#now()), restMs);
    }
  }

  close(): void {
    clearTimeout(this.#rest);
    this.#clear();
    this.#painter.close();
  }

  #want(frame: Frame): void {
    clearTimeout(this.#rest);
    if (frame.width === 0 || frame.height === 0) return;
    this.#asked = frame;
    this.#askedAt = performance.now();
    this.#painter.want(frame);
  }

  #clear(): void {
    const { current } = this.#canvas;
    if (current !== null) {
      current.hidden = true;
      delete current.dataset.lines;
    }
    delete document.documentElement.dataset.painted;
  }

  #show({ frame, bitmap }: Painted): void {
    const { current } = this.#canvas;
    if (current === null) return;
    const { camera, width, height } = frame;
    current.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
    current.style.width = `${width + 2 * margin}px`;
    current.style.height = `${height + 2 * margin}px`;
    const left = -(margin + camera.x) / camera.zoom;
    const top = -(margin + camera.y) / camera.zoom;
    current.style.transform = `translate(${left}px, ${top}px) scale(${1 / camera.zoom})`;
    current.hidden = false;
    // From afar the elements of the boxes step back behind what is painted of them.
    document.documentElement.dataset.painted = 'yes';
    current.dataset.lines = String(this.#scene?.lines.length ?? 0);
  }
}

function samePlaces(before: readonly PaintedBox[], after: readonly PaintedBox[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ x, y }, index) => x === after[index]?.x && y === after[index]?.y)
  );
}

/** What is painted reaches beyond what is seen now, with room left to move on, and is fine enough. */
function serves(painted: Frame, { camera, width, height, ratio }: Frame): boolean {
  const scale = camera.zoom / painted.camera.zoom;
  if (painted.ratio !== ratio || scale > coarse || scale < 1 / coarse) return false;
  // The painted picture's borders, on the screen as it is now.
  const left = camera.x - (painted.margin + painted.camera.x) * scale;
  const top = camera.y - (painted.margin + painted.camera.y) * scale;
  const right = left + (painted.width + 2 * painted.margin) * scale;
  const bottom = top + (painted.height + 2 * painted.margin) * scale;
  const room = margin / 3;
  return left < -room && top < -room && right > width + room && bottom > height + room;
}

const names = {
  mtls: '--mtls',
  mixed: '--mixed',
  plaintext: '--plaintext',
  unknown: '--unknown',
  refused: '--refused',
  'mtls-soft': '--mtls-soft',
  'mixed-soft': '--mixed-soft',
  'plaintext-soft': '--plaintext-soft',
  'unknown-soft': '--unknown-soft',
  surface: '--surface',
  border: '--line',
} as const satisfies Record<keyof Palette, string>;

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    Object.entries(names).map(([key, name]) => [key, style.getPropertyValue(name).trim()]),
  ) as Record<keyof Palette, string>;
}

function usePalette(theme: 'light' | 'dark'): Palette {
  const [palette, setPalette] = useState(readPalette);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the theme, once the page wears it
  useEffect(() => {
    const frame = requestAnimationFrame(() => setPalette(readPalette()));
    return () => cancelAnimationFrame(frame);
  }, [theme]);
  return palette;
}

/** The padlocks as paths in a box of 18 by 18: five shapes that can be told apart without colour and at twelve pixels. */
import type { EdgeState } from '../mesh/graph/edge-state.ts';

export interface Part {
  /** `line`: in the state's colour. `fill`: filled with it. `mark`: in the ground's colour, upon a fill. */
  readonly draw: 'line' | 'fill' | 'mark';
  readonly path: string;
  readonly dashed?: true;
  /** Degrees, about a point. */
  readonly turned?: readonly [angle: number, x: number, y: number];
}

const shackleClosed = 'M5 8V5.5a4 4 0 0 1 8 0V8';
const shackleOpen = 'M5 8V5.5a4 4 0 0 1 7.6-1.7';
const body = 'M3.5 8h11v7.5h-11z';

export const lockBox = 18;

export const lockShapes = {
  mtls: [
    { draw: 'line', path: shackleClosed },
    { draw: 'fill', path: body },
    { draw: 'mark', path: 'M6.5 11.8l1.8 1.8 3.2-3.4' },
  ],
  mixed: [
    { draw: 'line', path: shackleOpen },
    { draw: 'line', path: body },
    { draw: 'fill', path: 'M3.5 8h5.5v7.5h-5.5z' },
  ],
  plaintext: [
    { draw: 'line', path: shackleOpen, turned: [-24, 5, 8] },
    { draw: 'line', path: body },
  ],
  unknown: [
    { draw: 'line', path: 'M9 2.2a6.8 6.8 0 1 1 0 13.6 6.8 6.8 0 1 1 0-13.6', dashed: true },
    { draw: 'line', path: 'M7 7.4a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4' },
    { draw: 'line', path: 'M9 12.9v.2' },
  ],
  refused: [
    { draw: 'fill', path: 'M6 2h6l4 4v6l-4 4H6l-4-4V6z' },
    { draw: 'mark', path: 'M6.2 6.2l5.6 5.6M11.8 6.2l-5.6 5.6' },
  ],
} as const satisfies Record<EdgeState, readonly Part[]>;

/** The strokes of a state's line, in pixels: without colour, the line tells the state too. */
export const lineDashes = {
  mtls: [],
  mixed: [10, 4],
  plaintext: [2, 4],
  unknown: [8, 4, 1, 4],
  refused: [14, 8],
} as const satisfies Record<EdgeState, readonly number[]>;

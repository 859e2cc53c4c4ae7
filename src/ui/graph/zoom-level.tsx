/** Zoomed out, text too small to read gives way to shape and colour. */
import { useStore } from '@xyflow/react';
import { useEffect } from 'react';

/** Four looks, not one for every zoom: each change is another style for every box. */
export function ZoomLevel() {
  const level = useStore(({ transform: [, , zoom] }) =>
    zoom < 0.24 ? 'far' : zoom < 0.36 ? 'low' : zoom < 0.58 ? 'mid' : 'near',
  );
  useEffect(() => {
    document.documentElement.dataset.zoom = level;
  }, [level]);
  return null;
}

/** Steps of a third of a doubling. */
const stepsOfDouble = 3;

/** How many of the graph's pixels are one on the screen, in steps: what is drawn by it keeps its size on the screen. */
export function useScreenPixel(): number {
  return useStore(({ transform: [, , zoom] }) =>
    Math.max(1, 2 ** (Math.round(-Math.log2(zoom) * stepsOfDouble) / stepsOfDouble)),
  );
}

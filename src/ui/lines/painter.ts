/** The worker that paints lines: the page itself only moves what is painted. */
import { paint } from './paint.ts';
import { frameSize, type Painted, type Scene, type ToPainter } from './scene.ts';

let scene: Scene | undefined;
let number = 0;
const canvas = new OffscreenCanvas(1, 1);
// Read back each time, as a bitmap: it never needs to be on a graphics card.
const context = canvas.getContext('2d', { willReadFrequently: true });

self.addEventListener('message', ({ data }: MessageEvent<ToPainter>) => {
  if (data.kind === 'scene') {
    scene = data.scene;
    number = data.number;
    return;
  }
  if (scene === undefined || context === null)
    throw new Error('asked to paint before there was anything to paint');
  const { frame } = data;
  const { width, height } = frameSize(frame);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  paint(context, scene, frame);
  const bitmap = canvas.transferToImageBitmap();
  const painted: Painted = { number, frame, bitmap };
  self.postMessage(painted, { transfer: [bitmap] });
});

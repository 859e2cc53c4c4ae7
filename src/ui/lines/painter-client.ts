/** Asks the painter for pictures of the lines: one at a time, and the newest wish only. */
import type { Frame, Painted, Scene, ToPainter } from './scene.ts';

export class Painter {
  readonly #worker = new Worker('/painter.js', { type: 'module' });
  #wanted: Frame | undefined;
  #painting = false;
  #number = 0;

  constructor(show: (painted: Painted) => void, fail: (message: string) => void) {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Painted>) => {
      this.#painting = false;
      // The lines have changed meanwhile: this is a picture of what was.
      if (data.number === this.#number) show(data);
      else data.bitmap.close();
      this.#next();
    });
    this.#worker.addEventListener('error', ({ message }) => fail(message));
  }

  /** @returns the scene's number, which its pictures bear */
  setScene(scene: Scene): number {
    this.#number++;
    this.#send({ kind: 'scene', number: this.#number, scene });
    return this.#number;
  }

  want(frame: Frame): void {
    this.#wanted = frame;
    if (!this.#painting) this.#next();
  }

  close(): void {
    this.#worker.terminate();
  }

  #next(): void {
    if (this.#wanted === undefined) return;
    this.#painting = true;
    this.#send({ kind: 'paint', frame: this.#wanted });
    this.#wanted = undefined;
  }

  #send(message: ToPainter): void {
    this.#worker.postMessage(message);
  }
}

/** The dashboard in a real Chromium: 500 workloads and 2,000 lines, the first picture and how smoothly it is panned. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { fixedSource } from '../src/server/source.ts';
import { hasChromium, noChromium, openChromium } from '../test/dashboard/chromium.ts';
import { serveDashboard } from '../test/dashboard/serve.ts';
import { median } from './measure.ts';
import { meshObjects } from './mesh-objects.ts';
import type { Part } from './part.ts';

/** Five pods a service. */
const pods = 2_500;
const rounds = 3;

export const dashboardPart: Part = {
  name: 'dashboard',
  brief: 'the graph of 500 workloads and 2,000 lines in headless Chromium, drawn without a graphics card',
  async run(bench) {
    if (!hasChromium) {
      bench.say(`not measured: ${noChromium}`);
      return;
    }
    const origin = { source: join('bench', 'mesh') };
    const objects = [...meshObjects(pods, 'short')].map((object) => ({
      object: object as unknown as KubeObject,
      origin,
    }));
    const source = fixedSource({ source: 'a mesh of 500 workloads', objects, unseen: [] }, undefined);
    const dashboard = await serveDashboard(source);
    const browser = await openChromium();
    try {
      const closed: number[] = [];
      const opened: number[] = [];
      const rates: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
        const page = await context.newPage();
        await page.goto(dashboard.url);
        // Signed in: from here on it is what a person waits for.
        closed.push(await firstPicture(page, dashboard.url.replace(/\?.*/, '')));
        opened.push(await openAll(page));
        rates.push(await framesPerSecond(page));
        await context.close();
      }
      const drawn = 500;
      bench.say(`${drawn} workloads; median of ${rounds} rounds`);
      bench.target('first picture, namespaces collapsed', median(closed), 2_000, 'ms');
      bench.target('every namespace opened, 2,000 lines laid out and drawn', median(opened), 2_000, 'ms');
      const rate = median(rates);
      bench.say(`${rate.toFixed(0)} frames a second while panning with everything open`);
      bench.target('a frame while panning', 1000 / rate, 1000 / 30, 'ms');
    } finally {
      await browser.close();
      await dashboard.close();
    }
  },
};

/** From the navigation until nodes are on the screen. */
async function firstPicture(page: Page, url: string): Promise<number> {
  const began = performance.now();
  await page.goto(url);
  await page.locator('.react-flow__node-namespace').first().waitFor();
  await page.evaluate(twoFrames);
  return performance.now() - began;
}

async function openAll(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Draw up to 2,000' }).click();
  await page.locator('.menu summary').click();
  const began = performance.now();
  await page.getByRole('button', { name: 'Open all' }).click();
  await page.locator('.react-flow__node-workload').first().waitFor();
  await page.waitForFunction('document.querySelectorAll(".call.declared").length >= 2000');
  await page.evaluate(twoFrames);
  const took = performance.now() - began;
  await page.locator('.menu summary').click();
  return took;
}

/** A frame that is asked for from a frame comes after the first one was drawn. */
const twoFrames = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))';

/** Drags the picture about with the mouse for a while and counts the frames that the browser draws meanwhile. */
async function framesPerSecond(page: Page): Promise<number> {
  const box = await page.locator('.react-flow__pane').boundingBox();
  if (box === null) throw new Error('there is no picture');
  const x = box.x + box.width / 2;
  const y = box.y + 40;
  await page.evaluate(`
    window.frames_ = 0;
    window.counting_ = true;
    const count = () => { window.frames_++; if (window.counting_) requestAnimationFrame(count); };
    requestAnimationFrame(count);
  `);
  await page.mouse.move(x, y);
  await page.mouse.down();
  const began = performance.now();
  for (let step = 0; performance.now() - began < 2_000; step++) {
    await page.mouse.move(x + 160 * Math.sin(step / 12), y + 120 * Math.sin(step / 17));
  }
  await page.mouse.up();
  const seconds = (performance.now() - began) / 1000;
  const frames = Number(await page.evaluate('window.counting_ = false, window.frames_'));
  return frames / seconds;
}

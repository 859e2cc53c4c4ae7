/** The dashboard in a real Chromium: 500 workloads with 2,000 lines, and twice that, to know where it breaks down. */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { fixedSource } from '../src/server/source.ts';
import { hasChromium, noChromium, openChromium } from '../test/dashboard/chromium.ts';
import { serveDashboard } from '../test/dashboard/serve.ts';
import { clickLine, firstPicture, type Motion, openAll, pan, zoom } from './dashboard-page.ts';
import { median } from './measure.ts';
import { meshObjects } from './mesh-objects.ts';
import type { Bench, Part } from './part.ts';

const podsOfWorkload = 5;

interface Size {
  readonly workloads: number;
  readonly lines: number;
  readonly rounds: number;
  /** What the README promises is of this size. */
  readonly promised: boolean;
}

const sizes: readonly Size[] = [
  { workloads: 500, lines: 2_000, rounds: 3, promised: true },
  { workloads: 1_000, lines: 5_000, rounds: 2, promised: false },
];
const pansOfRound = 3;
const clicksOfRound = 3;

export const dashboardPart: Part = {
  name: 'dashboard',
  brief: 'the graph in headless Chromium, drawn without a graphics card',
  async run(bench) {
    if (!hasChromium) {
      bench.say(`not measured: ${noChromium}`);
      return;
    }
    bench.say(
      'a frame counts when it was drawn, showed a newer state of the page, and the picture had moved',
    );
    const browser = await openChromium();
    try {
      for (const size of sizes) report(bench, size, await measure(browser, size));
    } finally {
      await browser.close();
    }
  },
};

interface Figures {
  readonly closed: number[];
  readonly opened: number[];
  readonly pans: Motion[];
  readonly zooms: Motion[];
  readonly clicks: number[];
  elements: number;
}

async function measure(browser: Browser, { workloads, lines, rounds }: Size): Promise<Figures> {
  const origin = { source: join('bench', 'mesh') };
  const objects = [...meshObjects(workloads * podsOfWorkload, 'short')].map((object) => ({
    object: object as unknown as KubeObject,
    origin,
  }));
  const source = fixedSource({ source: `a mesh of ${workloads} workloads`, objects, unseen: [] }, undefined);
  const dashboard = await serveDashboard(source);
  const figures: Figures = { closed: [], opened: [], pans: [], zooms: [], clicks: [], elements: 0 };
  try {
    for (let round = 0; round < rounds; round++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      await page.goto(dashboard.url);
      await page.locator('.react-flow__node-namespace').first().waitFor();
      // Signed in: from here on it is what a person waits for.
      figures.closed.push(await firstPicture(page, dashboard.url.replace(/\?.*/, '')));
      figures.opened.push(await openAll(page, lines));
      figures.elements = await page.locator('*').count();
      const session = await context.newCDPSession(page);
      for (let count = 0; count < pansOfRound; count++) figures.pans.push(await pan(page, session));
      figures.zooms.push(await zoom(page, session));
      for (let count = 0; count < clicksOfRound; count++) figures.clicks.push(await clickLine(page));
      await context.close();
    }
  } finally {
    await dashboard.close();
  }
  return figures;
}

function report(bench: Bench, { workloads, lines, rounds, promised }: Size, figures: Figures): void {
  const { closed, opened, pans, zooms, clicks, elements } = figures;
  const number = (value: number): string => value.toLocaleString('en');
  bench.say(
    `${number(workloads)} workloads, ${number(lines)} lines, ${number(elements)} elements on the page; ${rounds} rounds`,
  );
  bench.say(`panning with everything open: ${motionLine(pans)}`);
  bench.say(`zooming with everything open: ${motionLine(zooms)}`);
  const says = (what: string, value: number, most: number): void => {
    if (promised) bench.target(what, value, most, 'ms');
    else bench.say(`${what}: ${value.toFixed(0)} ms`);
  };
  says('first picture, namespaces collapsed', median(closed), 2_000);
  says('every namespace opened, all lines laid out and drawn', median(opened), 2_000);
  says('a frame while panning, median of the pans', 1000 / median(pans.map(({ rate }) => rate)), 1000 / 30);
  bench.say(`from the press on a line to its details: ${median(clicks).toFixed(0)} ms`);
}

function motionLine(motions: readonly Motion[]): string {
  const rates = motions.map(({ rate }) => rate);
  const longest = motions.map((motion) => motion.longest);
  return `${median(rates).toFixed(0)} frames a second (median of ${motions.length}; least ${Math.min(...rates).toFixed(0)}), longest still ${median(longest).toFixed(0)} ms (median), ${Math.max(...longest).toFixed(0)} ms (most)`;
}

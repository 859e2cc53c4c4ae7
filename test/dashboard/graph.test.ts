/** The graph with more lines than can be elements: what is painted is still reached by mouse and keyboard. */
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { meshObjects } from '../../bench/mesh-objects.ts';
import type { KubeObject } from '../../src/istio/kubernetes.ts';
import { fixedSource } from '../../src/server/source.ts';
import { ensureBuilt } from '../built.ts';
import { hasChromium, keepPicture, type OpenedPage, openChromium, openPage } from './chromium.ts';
import { serveDashboard, type TestDashboard } from './serve.ts';

describe.skipIf(!hasChromium)('a graph of more lines than elements', () => {
  let dashboard: TestDashboard;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    await ensureBuilt();
    const origin = { source: join('bench', 'mesh') };
    // Forty workloads, each of which may call every other.
    const objects = [...meshObjects(200, 'short')].map((object) => ({
      object: object as unknown as KubeObject,
      origin,
    }));
    dashboard = await serveDashboard(fixedSource({ source: 'a mesh', objects, unseen: [] }, undefined));
    browser = await openChromium();
    opened = await openPage(browser, dashboard.url);
    page = opened.page;
    page.setDefaultTimeout(15_000);
    await page.locator('.painted[data-lines="400"]').waitFor();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  const panel = () => page.getByRole('complementary', { name: 'Details' });
  const focused = () => page.evaluate('document.activeElement?.getAttribute("aria-label") ?? ""');

  test('four hundred lines are painted and make no elements', async () => {
    expect(await page.locator('.call[data-id]').count()).toBe(0);
    expect(await page.locator('.react-flow__node-workload').count()).toBe(40);
    expect(await coloursPainted(page)).toEqual(expect.arrayContaining(['plaintext']));
    await keepPicture(page, '13-many-lines');
  });

  test('a painted line under the mouse says what it is, and a click opens it', async () => {
    const { x, y } = await placeOfLine(page);
    await page.mouse.move(x, y);
    const tip = page.getByRole('tooltip');
    await tip.waitFor();
    expect(await tip.innerText()).toMatch(
      /^team-\d+\/svc-\d+ →\s+calls\s+team-\d+\/svc-\d+\s+(Plaintext|Mixed|Refused)[\s\S]*from configuration/,
    );
    const name = await page.locator('.call.raised').getAttribute('aria-label');
    const [, client, server] = /\/(svc-\d+) calls .*\/(svc-\d+):/.exec(name ?? '') ?? [];
    await keepPicture(page, '14-tip');
    await page.mouse.down();
    await page.mouse.up();
    const heading = panel().getByRole('heading', { level: 2 });
    await heading.waitFor();
    expect(await heading.innerText()).toContain(client);
    expect(await heading.innerText()).toContain(server);
    // Chosen, it is an element; the others step back.
    expect(await page.locator('.call.selected').count()).toBe(1);
    await page.keyboard.press('Escape');
    await panel().waitFor({ state: 'detached' });
  });

  test('the arrow keys walk from a box along its calls to another box', async () => {
    const box = page.locator('.react-flow__node-workload').first();
    await box.focus();
    const from = await box.getAttribute('data-id');
    await page.keyboard.press('ArrowRight');
    await expect.poll(focused).toMatch(new RegExp(`^${from} calls `));
    const first = await focused();
    await page.getByRole('tooltip').waitFor();
    await page.keyboard.press('ArrowDown');
    await expect.poll(focused).not.toBe(first);
    expect(await focused()).toMatch(new RegExp(`^${from} calls `));
    await page.keyboard.press('Enter');
    await panel().getByRole('heading', { level: 2 }).waitFor();
    await page.keyboard.press('ArrowRight');
    await expect.poll(focused).toMatch(/^svc-\d+ in team-\d+: /);
    await page.keyboard.press('Escape');
  });

  test('zoomed out, names of namespaces stay readable and boxes are still named and pressed', async () => {
    const box = page.locator('.react-flow__node-workload').first();
    await page.getByRole('button', { name: 'Zoom Out' }).waitFor();
    while ((await page.evaluate('document.documentElement.dataset.zoom')) !== 'far')
      await page.getByRole('button', { name: 'Zoom Out' }).click();
    const height = await page
      .locator('.frame-head strong')
      .first()
      .evaluate((title) => title.getBoundingClientRect().height);
    expect(height).toBeGreaterThan(10);
    await box.click();
    await panel().getByRole('heading', { level: 2, name: 'svc-00' }).waitFor();
    await keepPicture(page, '15-far');
    await page.keyboard.press('Escape');
  });

  test('axe finds nothing serious; nothing was complained of', async () => {
    await page.evaluate(axe.source);
    const result: { violations: { id: string; impact: string }[] } = await page.evaluate('axe.run()');
    expect(result.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual(
      [],
    );
    expect(opened.complaints).toEqual([]);
    expect(dashboard.errors).toEqual([]);
  });
});

/** A place on a painted line: where the padlock of an element stands while its workload is chosen. */
async function placeOfLine(page: Page): Promise<{ readonly x: number; readonly y: number }> {
  await page.locator('.react-flow__node-workload', { hasText: 'svc-00' }).first().click();
  await page.locator('.calls .call-lock').first().waitFor();
  const places: { readonly x: number; readonly y: number }[] = await page.evaluate(`
    [...document.querySelectorAll('.calls .call-lock')].flatMap((lock) => {
      const { x, y, width, height } = lock.getBoundingClientRect();
      const at = { x: x + width / 2, y: y + height / 2 };
      return lock.contains(document.elementFromPoint(at.x, at.y)) ? [at] : [];
    })
  `);
  await page.keyboard.press('Escape');
  await page.locator('.call[data-id]').first().waitFor({ state: 'detached' });
  const [place] = places;
  if (place === undefined) throw new Error('no line was drawn');
  return place;
}

/** Which states' colours are to be found on the canvas. */
async function coloursPainted(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const painted = document.querySelector('.painted');
    const copy = new OffscreenCanvas(painted.clientWidth, painted.clientHeight).getContext('2d');
    copy.drawImage(painted, 0, 0, copy.canvas.width, copy.canvas.height);
    const { data } = copy.getImageData(0, 0, copy.canvas.width, copy.canvas.height);
    const style = getComputedStyle(document.documentElement);
    return ['mtls', 'mixed', 'plaintext'].filter((state) => {
      const [red, green, blue] = style.getPropertyValue('--' + state).trim().slice(1).match(/../g).map((two) => parseInt(two, 16));
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] > 0) return true;
      return false;
    });
  })()`);
}

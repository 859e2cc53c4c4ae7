/** The dashboard as a person meets it: a real Chromium, a real mesh in this process. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundle } from '../../src/evidence/bundle/bundle-files.ts';
import { checkBundle } from '../../src/evidence/bundle/manifest.ts';
import { drive } from '../../src/rollout/drive.ts';
import { initialState } from '../../src/rollout/machine.ts';
import { meshObserver } from '../../src/rollout/mesh-observer.ts';
import { prepare } from '../../src/rollout/prepare.ts';
import { clusterSource } from '../../src/server/cluster-source.ts';
import { fixedSource, type Source } from '../../src/server/source.ts';
import { ensureBuilt } from '../built.ts';
import { type LabCluster, namespace, startLabCluster, workload } from '../lab-cluster.ts';
import { hasChromium, keepPicture, noChromium, type OpenedPage, openChromium, openPage } from './chromium.ts';
import { clock, serveDashboard, type TestDashboard } from './serve.ts';

const http = (port: number) => [{ name: 'http', port, target: 80 }];

/** What a person would have to scroll sideways. */
const tooWide = `[...document.querySelectorAll('html, nav, header, main, main *')]
  .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .filter((one) => one === document.documentElement || /auto|scroll/.test(getComputedStyle(one).overflowX))
  .map((one) => one.tagName + '.' + one.className)`;

if (!hasChromium) process.stderr.write(`the dashboard's page is not tested: ${noChromium}\n`);

describe.skipIf(!hasChromium)('the dashboard in Chromium', () => {
  let lab: LabCluster;
  let source: Source;
  let dashboard: TestDashboard;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    await ensureBuilt();
    lab = await startLabCluster({ drainSeconds: 1 });
    await lab.deploy(namespace('shop', false) + namespace('legacy', false));
    await lab.deploy(
      workload('web', 'shop', 'kennethreitz/httpbin', http(8000)) +
        workload('sleep', 'shop', 'curlimages/curl') +
        workload('batch', 'legacy', 'curlimages/curl'),
    );
    source = await clusterSource({ cluster: lab.cluster, clock, namespaces: ['shop'] });
    dashboard = await serveDashboard(source, { allowChanges: true });
    browser = await openChromium();
    opened = await openPage(browser, dashboard.url);
    page = opened.page;
    page.setDefaultTimeout(25_000);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await lab?.close();
  });

  const box = (name: string) => page.locator('.react-flow__node-workload', { hasText: name });

  /** Waits for a line of the picture by what it says aloud. */
  async function expectLine(name: RegExp): Promise<void> {
    const names = () =>
      page
        .locator('.call[data-id]')
        .evaluateAll((edges) => edges.map((edge) => edge.getAttribute('aria-label') ?? ''));
    await expect.poll(names, { timeout: 10_000 }).toContainEqual(expect.stringMatching(name));
  }

  async function openPageOf(name: string): Promise<void> {
    await page.getByRole('navigation').getByRole('link', { name, exact: false }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor({ state: 'attached' });
  }

  async function seriousProblems(): Promise<readonly string[]> {
    await page.evaluate(axe.source);
    const result: { violations: { id: string; impact: string; nodes: { html: string }[] }[] } =
      await page.evaluate('axe.run()');
    return result.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  }

  test('it shows who would talk to whom in plaintext, by shape and word', async () => {
    await box('web').waitFor();
    expect(await box('web').innerText()).toContain('no sidecar');
    expect(await page.locator('.call.state-plaintext').count()).toBeGreaterThan(1);
    await expectLine(/legacy.*batch calls .*web: Plaintext/);
    await keepPicture(page, '1-before');
  });

  test('find and filter', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('web');
    await page.locator('.box.found', { hasText: 'web' }).waitFor();
    expect(await page.locator('.box.found').count()).toBe(1);
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').getByRole('heading', { level: 2, name: 'web' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Find a workload or namespace').fill('');
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await page.getByRole('cell', { name: 'batch', exact: true }).count()).toBe(1);
    await page.getByText('namespaces', { exact: false }).first().click();
    await page.getByRole('checkbox', { name: 'legacy' }).uncheck();
    await page.getByRole('cell', { name: 'batch', exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'legacy' }).check();
    await page.getByText('namespaces', { exact: false }).first().click();
    await page.getByRole('button', { name: 'Picture' }).click();
  });

  test('the walkthrough from plaintext to STRICT, watched in the page', async () => {
    await openPageOf('Rollout');
    await page.getByText('No rollout was begun').waitFor();
    const prepared = await prepare(lab.cluster, {
      namespace: 'shop',
      until: 'strict',
      workloads: [],
      exclude: [],
      forceGitOps: false,
      now: Date.now(),
      observeMs: 300,
      maxErrors: { kind: 'count', value: 0 },
      signal: new AbortController().signal,
    });
    const driving = drive(
      initialState(prepared.plan),
      { kind: 'start' },
      {
        cluster: lab.cluster,
        observer: meshObserver(lab.cluster, { ...clock, nonce: () => Math.random().toString(36).slice(2) }),
        clock,
        signal: new AbortController().signal,
        limits: { rollout: 60_000, load: 60_000, drain: 60_000 },
        acceptInconclusive: false,
        holder: 'the test',
        tell: () => undefined,
      },
    );
    await page.locator('.step-now').first().waitFor();
    await page.getByText('driven by the test').waitFor();
    await keepPicture(page, '2-rollout-running');
    // A run of a terminal is paused from the page, and taken up again by the page.
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    expect((await driving).status).toBe('paused');
    await page.locator('.rollout .status-paused').waitFor();
    await page.getByText('pause, asked for by dashboard@').first().waitFor();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByText('driven by dashboard@').waitFor();
    await page.locator('.rollout .status-done').waitFor({ timeout: 30_000 });
    expect(await page.locator('.step-done').count()).toBe(prepared.plan.steps.length);
    // What the run measured, by the record: whoever drives tells it there.
    const windows = page.getByRole('region', { name: 'Live traffic' });
    await expect.poll(() => windows.count()).toBe(prepared.plan.steps.filter(({ watch }) => watch).length);
    expect((await windows.last().innerText()).replace(/\s+/g, ' ')).toMatch(
      /^Live traffic in [\d.]+ s: (no request was seen, so none|\d+ requests?, 0) failed, 0 in plaintext, 0 refused$/,
    );
    await page.getByText('PROVEN', { exact: true }).waitFor();
    await keepPicture(page, '2b-rollout-done');
    await openPageOf('Graph');
    await page
      .locator('.react-flow__node-workload .state-mtls', { hasText: 'web' })
      .or(page.locator('.box.state-mtls', { hasText: 'web' }))
      .first()
      .waitFor();
    await expectLine(/sleep calls .*web: Mutual TLS/);
    await expectLine(/batch calls .*web: Refused/);
    await keepPicture(page, '3-after');
  }, 60_000);

  test('a refused connection is an event that names its sender', async () => {
    await openPageOf('Events');
    await page.locator('.event-policy', { hasText: 'PeerAuthentication shop/default' }).first().waitFor();
    expect(await lab.run('legacy', 'batch', 'curl', '-sS', 'http://web.shop:8000/get')).toContain('curl: (');
    const refused = page.locator('.event-refused', { hasText: 'legacy/batch' }).first();
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /shop\/web-\S+ refused a plaintext connection of legacy\/batch-\S+ on port 80/,
    );
    await page.getByText('of 2 sidecars, each about every').waitFor();
    await page
      .locator('.event-mesh', { hasText: 'Namespace shop was changed: istio-injection=enabled' })
      .waitFor();
    await page
      .locator('.event-mesh', { hasText: /Deployment shop\/web was changed: with a sidecar/ })
      .waitFor();
    await keepPicture(page, '4-events');
    await page.getByRole('button', { name: 'Refused' }).click();
    await page.locator('.event-policy').first().waitFor({ state: 'detached' });
  });

  test('observed traffic joins the graph, and only it when asked', async () => {
    await openPageOf('Graph');
    await page.getByRole('button', { name: 'Observe traffic' }).click();
    await page.getByText(/traffic seen from/i).waitFor();
    expect(await lab.run('shop', 'sleep', 'curl', '-sS', 'http://web:8000/get')).toContain('"url"');
    await page.locator('.call.observed.state-mtls').first().waitFor();
    await page.locator('.call.observed.state-refused').first().waitFor();
    await page.getByRole('checkbox', { name: 'Observed only' }).check();
    await page.locator('.call.declared').first().waitFor({ state: 'detached' });
    await keepPicture(page, '4b-observed');
    await page.getByRole('checkbox', { name: 'Observed only' }).uncheck();
    await page.getByRole('button', { name: 'Observing traffic' }).click();
    await page.locator('.call.observed').first().waitFor({ state: 'detached' });
  });

  test('details: the mode by port with its chain of reasons', async () => {
    await openPageOf('Graph');
    await box('web').click();
    const panel = page.getByRole('complementary', { name: 'Details' });
    await panel.getByText('only mutual TLS').first().waitFor();
    await panel.locator('.port summary').first().click();
    expect(await panel.locator('.reasons').first().innerText()).toContain('PeerAuthentication shop/default');
    await panel.getByRole('button', { name: /legacy\/batch/ }).click();
    await panel.getByText('No call gets through.').waitFor();
    await keepPicture(page, '5-details');
    await page.keyboard.press('Escape');
  });

  test('details: the four columns and the certificates, looked at when asked', async () => {
    await box('web').click();
    const panel = page.getByRole('complementary', { name: 'Details' });
    await panel.getByRole('button', { name: 'Look at it now' }).click();
    const row = panel.getByRole('region', { name: 'Proof of port 80', exact: true });
    await row.getByText('PROVEN', { exact: true }).waitFor();
    const said = (await row.innerText()).replace(/\s+/g, ' ');
    expect(said).toMatch(
      /Declared STRICT Configured STRICT Observed \S.* Proven plaintext refused, mutual TLS accepted/,
    );
    await row.getByText('plaintext refused').click();
    expect(await row.locator('.reasons').last().innerText()).toMatch(/plaintext to web-\S+: .*reset/);
    const certificate = panel.getByRole('region', { name: /^Certificate of web-/ });
    expect(await certificate.innerText()).toContain('spiffe://cluster.local/ns/shop/sa/default');
    await row.scrollIntoViewIfNeeded();
    await keepPicture(page, '5b-proof');
    await box('sleep').click();
    await panel.getByRole('button', { name: 'Look at it now' }).click();
    await panel.getByText('INCONCLUSIVE: no port of it is known.').waitFor();
    await box('web').click();
    await panel.getByRole('button', { name: /legacy\/batch/ }).click();
    await panel.getByRole('button', { name: 'batch', exact: true }).click();
    await panel.getByText('nothing is probed in legacy').waitFor();
    expect(await panel.getByRole('button', { name: 'Look at it now' }).isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
  });

  test('what-if: DISABLE for a port shows at once what becomes of it, with the YAML', async () => {
    await page.getByRole('button', { name: 'What if…' }).click();
    const panel = page.getByRole('complementary', { name: 'What if' });
    await panel.getByRole('button', { name: 'PERMISSIVE' }).click();
    await panel.getByText('breaks no call').waitFor();
    await page.getByText('This is what would be, not what is.').waitFor();
    expect(await panel.locator('pre').innerText()).toContain('mode: PERMISSIVE');
    await page.locator('.box.state-mixed', { hasText: 'web' }).waitFor();
    await keepPicture(page, '6-what-if');
    await panel.getByRole('button', { name: 'Back to what is' }).click();
    await page.locator('.box.state-mtls', { hasText: 'web' }).waitFor();
    // Every level: the policy that it would be, and its effect.
    for (const [level, mode, effect, yaml] of [
      ['mesh', 'DISABLE', /breaks no call|changes nothing/, 'namespace: istio-system'],
      ['workload', 'DISABLE', /DISABLE breaks|changes nothing/, 'matchLabels'],
      ['port', 'DISABLE', /DISABLE breaks|changes nothing/, 'portLevelMtls'],
    ] as const) {
      await panel.getByLabel(/^For/).selectOption(level);
      if (level !== 'mesh') await panel.getByLabel(/^Workload/).selectOption({ label: 'web' });
      await panel.getByRole('button', { name: mode }).click();
      await panel.getByRole('status').filter({ hasText: effect }).waitFor();
      expect(await panel.locator('pre').textContent(), level).toContain(yaml);
    }
    await panel.getByRole('button', { name: 'Close what if' }).click();
  });

  test('evidence: a bundle that is unchanged and proven', async () => {
    await openPageOf('Evidence');
    await page.getByRole('button', { name: 'Make a bundle' }).click();
    await page.getByText('PROVEN', { exact: true }).waitFor({ timeout: 30_000 });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /Download padlock-evidence/ }).click(),
    ]);
    const saved = `${await download.path()}.tar.gz`;
    await download.saveAs(saved);
    const check = checkBundle(await readBundle(saved), undefined, 'bundle');
    expect(check).toMatchObject({ good: true });
    await keepPicture(page, '7-evidence');
  }, 45_000);

  test('findings and certificates', async () => {
    await openPageOf('Findings');
    await page.locator('.findings, .headline').first().waitFor();
    await keepPicture(page, '8-findings');
    await openPageOf('Certificates');
    await page.getByText('spiffe://cluster.local/ns/shop/sa/default').first().waitFor();
    expect(await page.locator('.life').count()).toBe(2);
    await keepPicture(page, '9-certificates');
  });

  /** Nothing is wider than the window, and nothing that scrolls scrolls sideways. */
  async function expectToFit(name: string): Promise<void> {
    const before = page.viewportSize();
    for (const width of [1280, 1024, 768, 400]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate<string[]>(tooWide);
      expect(wide, `${name} at ${width}`).toEqual([]);
      if (name !== 'Graph' || width !== 1280) continue;
      const toolbar = await page.getByRole('toolbar').boundingBox();
      expect(toolbar?.height, 'the toolbar is one row').toBeLessThan(70);
    }
    await keepPicture(page, `narrow-${name.toLowerCase()}`);
    if (before !== null) await page.setViewportSize(before);
  }

  test('every page fits every width, and axe finds nothing serious in light and dark', async () => {
    for (const name of ['Findings', 'Rollout', 'Certificates', 'Events', 'Evidence', 'Graph']) {
      await openPageOf(name);
      expect(await seriousProblems(), name).toEqual([]);
      await expectToFit(name);
    }
    await keepPicture(page, '10-light');
    await page.getByRole('button', { name: 'Use dark colours' }).click();
    expect(await seriousProblems(), 'dark').toEqual([]);
    await keepPicture(page, '11-dark');
    await page.getByRole('button', { name: 'Table' }).click();
    expect(await seriousProblems(), 'table').toEqual([]);
    await page.getByRole('button', { name: 'Picture' }).click();
  }, 60_000);

  test('a saved snapshot: nothing is live, and what was not read is unknown', async () => {
    const snapshot = source.look.snapshot;
    const unseen = {
      resource: 'peerauthentications.security.istio.io',
      namespace: 'shop',
      reason: 'forbidden',
    };
    const saved = await serveDashboard(fixedSource({ ...snapshot, unseen: [unseen] }, ['shop']));
    const { page: other, complaints } = await openPage(browser, saved.url);
    await other.locator('.box.state-unknown', { hasText: 'web' }).waitFor();
    await other.getByText('One thing could not be read').waitFor();
    expect(await other.locator('.pill.connection').textContent()).toContain('Snapshot');
    expect(await other.getByRole('button', { name: 'Observe traffic' }).isDisabled()).toBe(true);
    await other.getByRole('link', { name: 'Certificates' }).click();
    await other.getByText('certificates are read from running proxies').waitFor();
    await other.getByRole('link', { name: 'Events' }).click();
    await other.getByText('Files are looked at: nothing happens in them.').waitFor();
    expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
    await other.context().close();
    await saved.close();
  });

  test('abort from the page takes everything back', async () => {
    await openPageOf('Rollout');
    await page.getByRole('button', { name: 'Abort…' }).click();
    await page.getByRole('button', { name: 'Yes, take it back' }).click();
    await page.locator('.rollout .status-rolled-back').waitFor({ timeout: 30_000 });
    expect(lab.lab.api.get('peerauthentications.security.istio.io', 'shop', 'default')).toBeUndefined();
    await keepPicture(page, '12-taken-back');
  }, 45_000);

  test('it connects again after the server restarts, and says when its key is gone', async () => {
    const { port, url } = dashboard;
    const token = new URL(url).searchParams.get('token') ?? '';
    await dashboard.close();
    await page.getByText('Reconnecting').waitFor();
    source = await clusterSource({ cluster: lab.cluster, clock, namespaces: ['shop'] });
    dashboard = await serveDashboard(source, { port, token });
    await page.getByText('Live', { exact: false }).first().waitFor({ timeout: 20_000 });
    await dashboard.close();
    source = await clusterSource({ cluster: lab.cluster, clock, namespaces: ['shop'] });
    dashboard = await serveDashboard(source, { port });
    await page.getByRole('heading', { name: 'Signed out' }).waitFor({ timeout: 20_000 });
    // The other way in: the token alone, pasted.
    await page.getByRole('link', { name: 'sign in with its token' }).click();
    await page.getByLabel('Token').fill(new URL(dashboard.url).searchParams.get('token') ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await box('web').waitFor();
    expect(page.url()).not.toContain('key');
  }, 60_000);

  test('nothing was asked of any other host, nothing was stopped by the policy, nothing failed', () => {
    expect(opened.foreign).toEqual([]);
    const unexpected = opened.complaints.filter(
      (text) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|401/.test(text),
    );
    expect(unexpected).toEqual([]);
    expect(dashboard.errors).toEqual([]);
  });
});

/** A real headless Chromium with a fresh profile, driven through playwright-core. */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = process.env.PADLOCK_CHROMIUM ?? '/usr/bin/chromium';

/** Where there is no Chromium the tests skip and say this. */
export const hasChromium = existsSync(executablePath);
export const noChromium = `there is no Chromium at ${executablePath}: apt-get install chromium`;

export const artifacts = resolve(import.meta.dirname, '..', '..', 'artifacts', 'dashboard');

export async function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface OpenedPage {
  readonly page: Page;
  /** Addresses that were asked for on any other host; empty in a good test. */
  readonly foreign: string[];
  /** What the page complained about: errors, and what the Content-Security-Policy stopped. */
  readonly complaints: string[];
}

/** A page with everything it asks for and complains about on record. */
export async function openPage(browser: Browser, url: string, dark = false): Promise<OpenedPage> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  const own = new URL(url).host;
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== 'blob:' && asked.protocol !== 'data:' && asked.host !== own)
      foreign.push(asked.href);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, foreign, complaints };
}

/** Keeps what the page looks like, for a person to look at. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
}

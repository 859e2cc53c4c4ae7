/** What a person does with the dashboard's graph, and how long the page takes over it. */
import type { CDPSession, Page } from 'playwright-core';

export interface Motion {
  /** Pictures a second that were new on the screen. */
  readonly rate: number;
  /** The longest time, in milliseconds, that one picture stood while it should have moved. */
  readonly longest: number;
}

/** A frame that is asked for from a frame comes after the first one was drawn. */
const twoFrames = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))';

/** From the navigation until nodes are on the screen. */
export async function firstPicture(page: Page, url: string): Promise<number> {
  const began = performance.now();
  await page.goto(url);
  await page.locator('.react-flow__node-namespace').first().waitFor();
  await page.evaluate(twoFrames);
  return performance.now() - began;
}

/** From "Open all" until every box and so many lines are on the screen. */
export async function openAll(page: Page, lines: number): Promise<number> {
  const more = page.getByRole('button', { name: /^Draw up to/ });
  const target = page.getByRole('button', { name: `Draw up to ${lines.toLocaleString('en')}` });
  while (!(await target.isVisible())) await more.click();
  await target.click();
  await page.locator('.menu summary').click();
  const began = performance.now();
  await page.getByRole('button', { name: 'Open all' }).click();
  await page.locator('.react-flow__node-workload').first().waitFor();
  await page.locator(`.painted[data-lines="${lines}"]`).waitFor();
  await page.evaluate(twoFrames);
  const took = performance.now() - began;
  await page.locator('.menu summary').click();
  return took;
}

/** Everything in sight, as each measurement finds it. */
async function seeAll(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Fit View' }).click();
  await page.evaluate(twoFrames);
}

const secondsOfMotion = 2;
/** As often as a mouse tells; not waited for, so that asking costs the page nothing. */
const eventsASecond = 60;

/** Drags the picture about with the mouse. */
export async function pan(page: Page, session: CDPSession): Promise<Motion> {
  await seeAll(page);
  const { x, y } = await middle(page, 0.12);
  const mouse = (type: 'mousePressed' | 'mouseMoved' | 'mouseReleased', dx: number, dy: number) =>
    session.send('Input.dispatchMouseEvent', {
      type,
      x: x + dx,
      y: y + dy,
      button: 'left',
      buttons: type === 'mouseReleased' ? 0 : 1,
      clickCount: 1,
    });
  await session.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
  await mouse('mousePressed', 0, 0);
  const motion = await watched(page, session, (step) =>
    mouse('mouseMoved', 160 * Math.sin(step / 12), 120 * Math.sin(step / 17)),
  );
  await mouse('mouseReleased', 0, 0);
  return motion;
}

/**
 * Turns the wheel to and fro, so that the picture becomes four times as large and small again. Turns that are sent so reach
 * the page some fifteen times a second whatever is drawn (with the picture hidden it was no more): the figure has that bound.
 */
export async function zoom(page: Page, session: CDPSession): Promise<Motion> {
  await seeAll(page);
  const { x, y } = await middle(page, 0.45);
  return watched(page, session, (step) =>
    session.send('Input.dispatchMouseEvent', {
      type: 'mouseWheel',
      x,
      y,
      deltaX: 0,
      deltaY: step % 60 < 30 ? -34 : 34,
    }),
  );
}

async function middle(page: Page, down: number): Promise<{ readonly x: number; readonly y: number }> {
  const box = await page.locator('.react-flow__pane').boundingBox();
  if (box === null) throw new Error('there is no picture');
  return { x: box.x + box.width / 2, y: box.y + box.height * down };
}

interface TraceEvent {
  readonly name: string;
  /** In microseconds. */
  readonly ts: number;
}

/**
 * Counts what came on the screen, by two witnesses, and believes the one who saw less: the compositor's trace (a frame was
 * drawn that shows a newer state of the page than the one before), and the picture's place as the page had it in each of its
 * animation frames (it was another). Animation frames alone would also count those in which nothing moved.
 */
async function watched(
  page: Page,
  session: CDPSession,
  act: (step: number) => Promise<unknown>,
): Promise<Motion> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { readonly value: readonly object[] }): void => {
    events.push(...(value as readonly TraceEvent[]));
  };
  session.on('Tracing.dataCollected', collect);
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: ['devtools.timeline.frame', 'disabled-by-default-devtools.timeline.frame'],
      excludedCategories: ['*'],
    },
  });
  await page.evaluate(`
    window.places = new Set();
    const picture = document.querySelector('.react-flow__viewport');
    const look = () => {
      window.places?.add(picture.style.transform);
      if (window.places !== undefined) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  `);
  const began = performance.now();
  await paced(act);
  const seconds = (performance.now() - began) / 1000;
  const places = Number(
    await page.evaluate(
      '(() => { const { size } = window.places; window.places = undefined; return size; })()',
    ),
  );
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  session.off('Tracing.dataCollected', collect);
  const drawn = newFrames(events);
  const gaps = drawn.slice(1).map((at, index) => at - (drawn[index] ?? at));
  return { rate: Math.min(drawn.length, places) / seconds, longest: Math.max(...gaps) };
}

async function paced(act: (step: number) => Promise<unknown>): Promise<void> {
  const began = performance.now();
  const answers: Promise<unknown>[] = [];
  for (let step = 0; step < secondsOfMotion * eventsASecond; step++) {
    answers.push(act(step));
    const next = began + ((step + 1) * 1000) / eventsASecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  await Promise.all(answers);
}

/** When frames were drawn, in milliseconds, of those that show a newer state of the page. */
function newFrames(events: readonly TraceEvent[]): readonly number[] {
  const drawn: number[] = [];
  let newer = false;
  for (const { name, ts } of events.toSorted((a, b) => a.ts - b.ts)) {
    if (name === 'ActivateLayerTree') newer = true;
    else if (name === 'DrawFrame' && newer) {
      newer = false;
      drawn.push(ts / 1000);
    }
  }
  return drawn;
}

/** From the press of the mouse on a painted line until its details are on the screen. */
export async function clickLine(page: Page): Promise<number> {
  await seeAll(page);
  // The lines of a chosen workload are elements: they tell where lines are.
  await page
    .locator('.react-flow__node-workload', { has: page.locator('.box.state-plaintext') })
    .first()
    .click();
  await page.locator('.calls .call-lock').first().waitFor();
  const places: { readonly x: number; readonly y: number }[] = await page.evaluate(`
    [...document.querySelectorAll('.calls .call-lock')].flatMap((lock) => {
      const { x, y, width, height } = lock.getBoundingClientRect();
      const at = { x: x + width / 2, y: y + height / 2 };
      return lock.contains(document.elementFromPoint(at.x, at.y)) ? [at] : [];
    })
  `);
  const place = places[Math.floor(places.length / 2)];
  if (place === undefined) throw new Error('no line was found');
  await closePanel(page);
  await page.mouse.move(place.x, place.y);
  return clickHere(page);
}

async function closePanel(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.locator('.panel').waitFor({ state: 'detached' });
  await page.evaluate(twoFrames);
}

async function clickHere(page: Page): Promise<number> {
  await page.evaluate(`
    void (window.opened = new Promise((resolve) => {
      setTimeout(() => resolve(Number.NaN), 10_000);
      addEventListener('pointerdown', ({ timeStamp }) => {
        const look = () => {
          if (document.querySelector('.panel h2') === null) requestAnimationFrame(look);
          else requestAnimationFrame(() => resolve(performance.now() - timeStamp));
        };
        requestAnimationFrame(look);
      }, { capture: true, once: true });
    }));
  `);
  await page.mouse.down();
  await page.mouse.up();
  const took = Number(await page.evaluate('window.opened'));
  if (Number.isNaN(took)) throw new Error('a click on a line did not open its details');
  await closePanel(page);
  return took;
}

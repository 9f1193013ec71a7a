/** Not part of the tests: a long session by script, see scripts/soak.ts. Fails on a long task in the window and on growing memory. */

import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from '@playwright/test';
import { drag, expect, generate, goTo, open, pictures, type Studio, test } from './studio.ts';

const MINUTES = Number(process.env['EMULSION_SOAK_MINUTES'] ?? 20);
/** A task longer than this, in milliseconds, is felt. */
const LONG_TASK = 100;
/** Enough for the engine to paint through most of a round. */
const STEPS = 60;
/** Rounds at the beginning in which caches fill and code is compiled. */
const WARM_UP = 2;
/** Growth from the first measured rounds to the last that is not put down to chance. */
const GROWTH = { part: 0.2, megabytes: 24 };

interface LongTask {
  readonly at: number;
  readonly milliseconds: number;
  readonly during: string;
}

interface Sample {
  readonly minutes: number;
  /** Megabytes after a garbage collection, and resident in the server and its engines. */
  readonly heap: number;
  readonly nodes: number;
  readonly server: number;
}

declare global {
  interface Window {
    soak: { during: string; tasks: LongTask[] };
  }
}

/** Runs in the page: keeps every task over 50 ms, with what the script was doing. */
function watchTasks(): void {
  window.soak = { during: 'start', tasks: [] };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      window.soak.tasks.push({ at: startTime, milliseconds: duration, during: window.soak.during });
  }).observe({ type: 'longtask', buffered: true });
}

const during = (page: Page, what: string): Promise<void> =>
  page.evaluate((name) => {
    window.soak.during = name;
  }, what);

/** Pictures of the wall, of which only those in view are in the page. */
async function made(page: Page): Promise<number> {
  const shown = await pictures(page).count();
  return shown === 0 ? 0 : Number(await pictures(page).first().getAttribute('aria-setsize'));
}

/** One round of work: everything goes on while the engine paints. */
async function round(page: Page, number: number): Promise<void> {
  const step = async (what: string, work: () => Promise<void>) => {
    await during(page, what);
    await work();
  };
  const before = await made(page);
  await step('tabs', async () => {
    for (const name of ['Create', 'Sketch', 'Upscale', 'Train', 'Edit'] as const) await goTo(page, name);
  });
  await step('generating', async () => {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(`a red boat on the sea, ${number}`);
    await generate(page).click();
  });
  await step('painting', () => paint(page, number));
  await step('scrolling', () => scroll(page));
  await step('sliders', async () => {
    for (const value of ['0.3', '0.5', '0.7', '0.9'])
      await page.getByRole('slider', { name: 'Denoising strength' }).fill(value);
    await page.getByRole('radio', { name: 'Mask' }).check();
    await page.getByRole('slider', { name: 'Grow' }).fill(String(number % 8));
  });
  await step('waiting for the picture', () =>
    expect.poll(() => made(page), { timeout: 180_000 }).toBe(before + 1),
  );
  await step('undo', async () => {
    for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Undo' }).click();
  });
  await step('result', () =>
    page.getByRole('button', { name: number % 4 === 0 ? 'Accept' : 'Discard' }).click(),
  );
}

async function paint(page: Page, number: number): Promise<void> {
  await page.getByRole('radio', { name: number % 2 === 0 ? 'Mask' : 'Brush' }).check();
  const around = (turn: number) =>
    [64 + 40 * Math.cos(turn + number), 64 + 40 * Math.sin(turn * 2 + number)] as const;
  for (let stroke = 0; stroke < 3; stroke++)
    await drag(page, [around(stroke), around(stroke + 1), around(stroke + 2)], 15);
}

async function scroll(page: Page): Promise<void> {
  await page.getByRole('list', { name: 'Pictures' }).hover();
  for (const way of [1, 1, 1, -1, -1, -1]) await page.mouse.wheel(0, way * 400);
  await pictures(page).first().getByRole('button').click();
}

async function measure(cdp: CDPSession, studio: Studio, start: number): Promise<Sample> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const metric = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  const server = [studio.pid(), ...studio.engines()].reduce((sum, pid) => sum + residentMegabytes(pid), 0);
  return {
    minutes: (Date.now() - start) / 60_000,
    heap: metric('JSHeapUsedSize') / 1e6,
    nodes: metric('Nodes'),
    server,
  };
}

/** Resident memory of a process on Linux; 0 elsewhere, where it is not judged. */
function residentMegabytes(pid: number): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // The probe of the devices ends by itself.
    return 0;
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** From the first third of the samples to the last, by their medians. */
function growth(samples: readonly Sample[], of: 'heap' | 'nodes' | 'server'): { from: number; to: number } {
  const third = Math.max(1, Math.floor(samples.length / 3));
  return {
    from: median(samples.slice(0, third).map((sample) => sample[of])),
    to: median(samples.slice(-third).map((sample) => sample[of])),
  };
}

test(`a session of ${MINUTES} minutes neither janks nor grows`, async ({ page, studio }) => {
  test.setTimeout((MINUTES + 10) * 60_000);
  await page.addInitScript(watchTasks);
  await open(page, studio, STEPS);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await cdp.send('HeapProfiler.enable');
  const samples: Sample[] = [];
  const start = Date.now();
  for (let number = 1; Date.now() - start < MINUTES * 60_000 || samples.length < 3; number++) {
    await round(page, number);
    await during(page, 'measuring');
    const sample = await measure(cdp, studio, start);
    if (number > WARM_UP) samples.push(sample);
    const { minutes, heap, nodes, server } = sample;
    console.log(
      `${minutes.toFixed(1)} min: heap ${heap.toFixed(1)} MB, ${nodes} nodes, server and engine ${server.toFixed(0)} MB`,
    );
  }
  const tasks = await page.evaluate(() => window.soak.tasks);
  // Collecting all garbage at once is the script's doing; before the page is there, nothing can stutter.
  const felt = tasks.filter(({ during }) => during !== 'measuring' && during !== 'start');
  const long = felt.filter(({ milliseconds }) => milliseconds > LONG_TASK);
  const longestOf = (of: readonly LongTask[]): number =>
    Math.max(0, ...of.map(({ milliseconds }) => milliseconds));
  const [longest, opening] = [longestOf(felt), longestOf(tasks.filter(({ during }) => during === 'start'))];
  console.log(
    `tasks over 50 ms: ${felt.length}, over ${LONG_TASK} ms: ${long.length}, longest ${longest.toFixed(0)} ms; while the page was opened: ${opening.toFixed(0)} ms`,
  );
  for (const { at, milliseconds, during } of long)
    console.log(
      `  ${milliseconds.toFixed(0)} ms while ${during}, ${(at / 60_000).toFixed(1)} min after the page was opened`,
    );
  for (const of of ['heap', 'nodes', 'server'] as const) {
    const { from, to } = growth(samples, of);
    console.log(`${of}: ${from.toFixed(0)} → ${to.toFixed(0)}`);
    if (of !== 'nodes')
      expect.soft(to - from, `${of} grew`).toBeLessThan(Math.max(GROWTH.megabytes, GROWTH.part * from));
  }
  expect(long).toEqual([]);
});

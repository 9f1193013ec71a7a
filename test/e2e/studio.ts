/** A studio of its own for each test: `emulsion serve` on an empty data folder, and what every test does in its window. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import type { en } from '../../renderer/i18n/en.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export interface Studio {
  readonly data: string;
  /** Ends the server without a word, as a power cut would. */
  readonly crash: () => Promise<void>;
  /** Starts it again on the same data and address. */
  readonly restart: () => Promise<void>;
  /** Process ids of the engine and of what else the server has started (a device probe). */
  readonly engines: () => number[];
  readonly url: () => string;
  /** Process id of the server. */
  readonly pid: () => number;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts a server; port 0 takes any. */
function serve(data: string, port: number): Promise<Running> {
  const command = [
    'main/cli/emulsion.ts',
    'serve',
    '--port',
    String(port),
    '--data',
    data,
    '--token',
    'end-to-end',
    '--no-api',
  ];
  // The system's bin too lies below the data folder, so that nothing is left on the machine.
  const env = { ...process.env, XDG_DATA_HOME: join(data, 'home') };
  const child = spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const url = /open at (\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve({ child, url });
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${said}`)));
  });
}

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/** Ids of a process's children, by the system's process list. */
function childrenOf(pid: number): number[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = list
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, parent]) => parent === pid).map(([id]) => id!);
}

export const test = base.extend<{ studio: Studio; browserFound: undefined }>({
  browserFound: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from this pattern
    async ({}, use, { config, skip }) => {
      const missing: unknown = config.metadata['missing'];
      skip(missing !== undefined, String(missing));
      await use(undefined);
    },
    { auto: true },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from this pattern
  studio: async ({}, use) => {
    const data = mkdtempSync(join(tmpdir(), 'emulsion-e2e-'));
    let running = await serve(data, 0);
    const port = Number(new URL(running.url).port);
    await use({
      data,
      url: () => running.url,
      pid: () => running.child.pid!,
      engines: () => childrenOf(running.child.pid!),
      crash: () => {
        running.child.kill('SIGKILL');
        return ended(running.child);
      },
      restart: async () => {
        running = await serve(data, port);
      },
    });
    running.child.kill('SIGTERM');
    await ended(running.child);
    rmSync(data, { recursive: true, force: true });
  },
});

export { expect, type Page };

/** Opens the window and waits until it can be worked with; few steps, so that tests are about the studio and not the machine. */
export async function open(page: Page, studio: Studio, steps = 4): Promise<void> {
  await page.goto(studio.url());
  await expect(page.getByRole('combobox', { name: 'Checkpoint' })).toContainText(/little.world/i);
  await expect(generate(page)).toBeEnabled();
  if (steps > 0) await page.getByRole('spinbutton', { name: 'Steps' }).fill(String(steps));
}

export const generate = (page: Page): Locator => page.getByRole('button', { name: 'Generate' });
export const pictures = (page: Page): Locator =>
  page.getByRole('list', { name: 'Pictures' }).getByRole('listitem');
export const stage = (page: Page): Locator => page.locator('[data-canvas-ready="true"]');

/** Generates and waits for the result. */
export async function makePicture(page: Page): Promise<void> {
  const before = await pictures(page).count();
  await generate(page).click();
  await expect(pictures(page)).toHaveCount(before + 1, { timeout: 180_000 });
  await expect(page.getByRole('button', { name: 'Accept' })).toBeVisible();
}

export const goTo = (page: Page, name: 'Create' | 'Edit' | 'Sketch' | 'Upscale' | 'Train'): Promise<void> =>
  page.getByRole('tab', { name }).click();

/** The words of the language that the window speaks. */
type Words = Readonly<Record<keyof typeof en, string>>;
const MODES = ['create', 'edit', 'sketch', 'upscale', 'train'] as const;
type Visit = (name: string) => Promise<void>;

/** What the console is warned of from now on, and the errors that nothing caught. */
export function complaints(page: Page): readonly string[] {
  const heard: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'warning' || message.type() === 'error') heard.push(message.text());
  });
  page.on('pageerror', (error) => heard.push(String(error)));
  return heard;
}

/** Goes to every page of the window, one after the other. */
export async function everyPage(page: Page, words: Words, visit: Visit): Promise<void> {
  for (const mode of MODES) {
    const tab = page.getByRole('tab', { name: words[`mode.${mode}`] });
    await tab.click();
    await expect(tab).toHaveAttribute('aria-selected', 'true');
    await visit(mode);
  }
  await page.getByRole('tab', { name: words['mode.create'] }).click();
}

/** Opens every dialog that needs no file, one after the other; a picture of the history is chosen. */
export async function everyDialog(page: Page, words: Words, visit: Visit): Promise<void> {
  const press = (key: string) => () => page.keyboard.press(key);
  const click = (name: string) => () => page.getByRole('button', { name, exact: true }).first().click();
  const ways: Readonly<Record<string, () => Promise<void>>> = {
    settings: press('Control+,'),
    library: press('Control+l'),
    'disk space': async () => {
      await page.keyboard.press('Control+l');
      await page.getByRole('tab', { name: words.upkeep }).click();
      await expect(page.getByRole('region', { name: words['upkeep.unused'] })).toBeVisible();
    },
    projects: press('Control+o'),
    sweep: click(words.sweep),
    compare: click(words.compare),
    'self-test': async () => {
      await page.keyboard.press('Control+,');
      await click(words.selfTest)();
    },
  };
  for (const [name, open] of Object.entries(ways)) {
    await open();
    const dialog = page.getByRole('dialog');
    await expect(dialog).toBeVisible();
    // While it fades in, its colours are not yet its own.
    await expect(dialog).toHaveCSS('opacity', '1');
    await visit(name);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
}

/** Drops a file on the middle of the window, as from a file manager. */
export async function drop(page: Page, name: string, type: string, bytes: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name, type, base64 }) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
      return data;
    },
    { name, type, base64: bytes.toString('base64') },
  );
  for (const event of ['dragenter', 'dragover', 'drop'])
    await page.dispatchEvent('main', event, { dataTransfer: transfer });
}

/** Where a point of the document is on the screen, by asking the canvas what lies under the pointer. */
export async function onScreen(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  // A page that has just been opened has a canvas before it shows it.
  await expect(stage(page)).toBeVisible();
  const box = (await stage(page).boundingBox())!;
  const read = async (at: { x: number; y: number }) => {
    await page.mouse.move(at.x, at.y);
    const [u, v] = ((await stage(page).getAttribute('data-pointer')) ?? '').split(',').map(Number);
    return { u: u!, v: v! };
  };
  const [a, b] = [
    { x: box.x + 150, y: box.y + 150 },
    { x: box.x + 650, y: box.y + 550 },
  ];
  const [from, to] = [await read(a), await read(b)];
  const zoom = (b.x - a.x) / (to.u - from.u);
  return { x: a.x + (x + 0.5 - from.u) * zoom, y: a.y + (y + 0.5 - from.v) * zoom };
}

/** Drags over points of the document with the tool at hand, in so many pointer events from one to the next. */
export async function drag(
  page: Page,
  points: readonly (readonly [number, number])[],
  steps = 6,
): Promise<void> {
  const places = [];
  for (const [x, y] of points) places.push(await onScreen(page, x, y));
  await page.mouse.move(places[0]!.x, places[0]!.y);
  await page.mouse.down();
  for (const { x, y } of places.slice(1)) await page.mouse.move(x, y, { steps });
  await page.mouse.up();
}

/** Chooses the n-th newest picture of the wall and downloads it. */
export async function pictureFile(page: Page, place = 0): Promise<Buffer> {
  const item = pictures(page).nth(place).getByRole('button');
  const id = /thumbnail\/(\d+)/.exec((await item.locator('img').getAttribute('src'))!)![1];
  if ((await item.getAttribute('aria-pressed')) !== 'true') await item.click();
  const large = page.getByRole('region', { name: 'Picture', exact: true }).locator('figure img');
  // The one chosen before stays until this one is read.
  await expect(large).toHaveAttribute('src', new RegExp(`picture/${id}\\b`));
  const source = await large.getAttribute('src');
  const answer = await page.request.get(new URL(source!, page.url()).href);
  expect(answer.ok()).toBe(true);
  return answer.body();
}

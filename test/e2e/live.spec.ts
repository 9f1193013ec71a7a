/** Live mode: what is shown is the picture of the last stroke; runs that were overtaken are stopped. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import sharp from 'sharp';
import {
  drag,
  expect,
  generate,
  goTo,
  open,
  type Page,
  pictureFile,
  pictures,
  type Studio,
  test,
} from './studio.ts';

/** States of all jobs, oldest first. */
function jobStates({ data }: Studio): string[] {
  const db = new Database(join(data, 'emulsion.db'), { readonly: true });
  try {
    return db.prepare('SELECT state FROM jobs ORDER BY id').pluck().all() as string[];
  } finally {
    db.close();
  }
}

const pixels = async (page: Page): Promise<Buffer> =>
  sharp(await pictureFile(page))
    .raw()
    .toBuffer();

const STROKES = [
  [[20, 100], [64, 30]],
  [[64, 30], [108, 100]],
  [[108, 100], [20, 100]],
] as const; // biome-ignore format: one line a stroke

/** Draws a triangle in three strokes, live, with a pause after each that lets a run begin. */
async function drawLive(page: Page, studio: Studio, wait: boolean): Promise<void> {
  for (const [at, stroke] of STROKES.entries()) {
    await drag(page, stroke);
    if (wait && at < STROKES.length - 1)
      await expect
        .poll(() => jobStates(studio).includes('running') || jobStates(studio).includes('queued'))
        .toBe(true);
  }
}

for (const wait of [false, true])
  test(`three strokes ${wait ? 'while each is being painted' : 'quickly'}: the last state is what is shown`, async ({
    page,
    studio,
  }) => {
    await open(page, studio, 4);
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('7');
    await goTo(page, 'Sketch');
    await expect(page.getByRole('combobox', { name: 'ControlNet' })).not.toHaveValue('');
    await page.getByRole('switch', { name: 'Live while painting' }).check();
    await drawLive(page, studio, wait);
    await expect.poll(() => jobStates(studio).at(-1), { timeout: 180_000 }).toBe('done');
    await expect(page.getByRole('group', { name: 'Results' })).toContainText('1 / 1');
    const states = jobStates(studio);
    // One run of the whole triangle; those before it, if any began, came to nothing.
    expect(states.filter((state) => state === 'done')).toHaveLength(1);
    expect(new Set(states.slice(0, -1))).toEqual(new Set(wait ? ['cancelled'] : states.slice(0, -1)));
    if (wait) expect(states.length).toBeGreaterThan(1);
    await expect(pictures(page)).toHaveCount(1);
    const live = await pixels(page);
    await page.getByRole('switch', { name: 'Live while painting' }).uncheck();
    await page.getByText('More settings', { exact: true }).click();
    await page.getByRole('combobox', { name: 'Speed' }).selectOption('draft');
    await generate(page).click();
    await expect(pictures(page)).toHaveCount(2, { timeout: 180_000 });
    // What Generate makes of the same drawing, seed and speed.
    expect(await pixels(page)).toEqual(live);
  });

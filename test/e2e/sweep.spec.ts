/** Sweeps: every cell is filled with its own picture, through a reload, a killed engine and a stop in the middle; the grid is saved. */
import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { expect, open, type Page, pictures, test } from './studio.ts';

const dialog = (page: Page) => page.getByRole('dialog');
const painted = (page: Page, count: number) =>
  expect(dialog(page)).toContainText(`${count} of 6 painted`, { timeout: 240_000 });

/** Samplers across, steps down: six pictures. */
async function startSweep(page: Page, steps = '2, 3'): Promise<void> {
  await page.getByRole('button', { name: 'Parameter sweep' }).click();
  await page.getByRole('combobox', { name: 'Columns' }).selectOption('sampler');
  await page.getByRole('textbox', { name: 'Values of Columns' }).fill('Euler, Euler a, DPM++ 2M');
  await page.getByRole('combobox', { name: 'Rows' }).selectOption('steps');
  await page.getByRole('textbox', { name: 'Values of Rows' }).fill(steps);
  await dialog(page).getByRole('button', { name: 'Start' }).click();
}

interface CellPicture {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The cells as they stand, row by row, with what their pictures say of themselves. */
async function cells(page: Page): Promise<CellPicture[]> {
  const images = page.getByRole('table', { name: 'Pictures of the sweep' }).locator('img');
  const found = await images.evaluateAll((list) =>
    list.map((image) => ({ name: image.getAttribute('alt')!, source: image.getAttribute('src')! })),
  );
  return Promise.all(
    found.map(async ({ name, source }) => {
      const answer = await page.request.get(new URL(source, page.url()).href);
      expect(answer.ok()).toBe(true);
      return { name, bytes: await answer.body() };
    }),
  );
}

const NAMES = ['euler 2', 'euler_ancestral 2', 'dpmpp_2m 2', 'euler 3', 'euler_ancestral 3', 'dpmpp_2m 3'];
const WRITTEN = ['Euler', 'Euler a', 'DPM++ 2M'];

/** Each cell holds the picture that was made with its sampler and steps, all from one seed. */
function expectOwnPictures(found: readonly CellPicture[]): void {
  expect(found.map(({ name }) => name)).toEqual(NAMES);
  const texts = found.map(({ bytes }) => bytes.toString('latin1'));
  for (const [at, text] of texts.entries()) {
    expect(text, NAMES[at]!).toContain(`Steps: ${at < 3 ? 2 : 3}, Sampler: ${WRITTEN[at % 3]},`);
    expect(/Seed: (\d+)/.exec(text)![1]).toBe(/Seed: (\d+)/.exec(texts[0]!)![1]);
  }
}

test('two rows of three: every cell has its own picture, and the grid is saved as one', async ({
  page,
  studio,
}) => {
  await open(page, studio);
  await startSweep(page);
  await expect(page.getByRole('table', { name: 'Pictures of the sweep' }).getByRole('row')).toHaveCount(3);
  await painted(page, 6);
  const found = await cells(page);
  expectOwnPictures(found);
  const saved = page.waitForEvent('download');
  await dialog(page).getByRole('button', { name: 'Save the grid' }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toBe('sweep.png');
  await expectGrid(readFileSync(await download.path()), found);
});

/** Every picture is in the grid, bit for bit, in its row and column. */
async function expectGrid(file: Buffer, found: readonly CellPicture[]): Promise<void> {
  const raw = (source: Sharp) => source.removeAlpha().raw().toBuffer();
  const { width = 0, height = 0 } = await sharp(file).metadata();
  const edge = (await sharp(found[0]!.bytes).metadata()).width!;
  const gap = 8;
  const [left, top] = [width - 3 * (edge + gap), height - 2 * (edge + gap)];
  expect(left).toBeGreaterThan(0);
  expect(top).toBeGreaterThan(0);
  for (const [at, { name, bytes }] of found.entries()) {
    const place = {
      left: left + (at % 3) * (edge + gap),
      top: top + Math.floor(at / 3) * (edge + gap),
      width: edge,
      height: edge,
    };
    expect(await raw(sharp(file).extract(place)), name).toEqual(await raw(sharp(bytes)));
  }
}

test('a reload and a killed engine in the middle lose no cell', async ({ page, studio }) => {
  await open(page, studio);
  await startSweep(page);
  await expect(dialog(page)).toContainText(/[1-3] of 6 painted/, { timeout: 180_000 });
  const killed = studio.engines();
  expect(killed).not.toEqual([]);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await page.reload();
  await page.getByRole('button', { name: 'Parameter sweep' }).click();
  await painted(page, 6);
  expectOwnPictures(await cells(page));
  await page.keyboard.press('Escape');
  await expect(pictures(page)).toHaveCount(6);
});

test('a sweep is stopped, and goes on where it was', async ({ page, studio }) => {
  await open(page, studio);
  await startSweep(page);
  await expect(dialog(page)).toContainText(/[1-3] of 6 painted/, { timeout: 180_000 });
  await dialog(page).getByRole('button', { name: 'Stop the sweep' }).click();
  await expect(page.getByRole('status')).toContainText('Ready');
  await expect(dialog(page).getByText('stopped').first()).toBeVisible();
  expect((await cells(page)).length).toBeLessThan(6);
  await dialog(page).getByRole('button', { name: 'Go on with the sweep' }).click();
  await painted(page, 6);
  expectOwnPictures(await cells(page));
});

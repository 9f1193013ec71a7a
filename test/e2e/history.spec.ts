/** Every picture is found again: by words, by meaning; and what was deleted comes back. */
import { expect, makePicture, open, type Page, pictures, test } from './studio.ts';

const BOAT = 'a red boat on the sea at sunset';
const CACTUS = 'a green cactus in the desert at noon';

/** Two pictures that look unlike each other; the cactus is the newer one. */
async function makeTwo(page: Page): Promise<void> {
  for (const prompt of [BOAT, CACTUS]) {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt);
    await makePicture(page);
  }
}

test('pictures are found by words, deleted and brought back by undo', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makeTwo(page);
  const search = page.getByRole('searchbox', { name: 'Search history' });
  await search.fill('cactus');
  await expect(pictures(page)).toHaveCount(1);
  await expect(pictures(page)).toHaveAccessibleName(CACTUS);
  await search.fill('');
  await expect(pictures(page)).toHaveCount(2);
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(pictures(page)).toHaveCount(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(pictures(page)).toHaveCount(2);
});

test('clearing the filters stands in the line of the other signs, and moves none of them', async ({
  page,
  studio,
}) => {
  await open(page, studio, 2);
  await makePicture(page);
  const clear = page.getByRole('button', { name: 'Clear filters' });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const place = async (name: string) => (await button(name).boundingBox())!;
  const before = await place('More filters');
  await expect(clear).toBeHidden();
  await button('Rated').click();
  await expect(pictures(page)).toHaveCount(0);
  expect(await place('More filters')).toEqual(before);
  const cross = await place('Clear filters');
  expect(cross.y).toBe(before.y);
  expect(before.x - cross.x).toBeLessThan(2 * (before.width + 8));
  await clear.click();
  await expect(pictures(page)).toHaveCount(1);
  await expect(clear).toBeHidden();
});

test('pictures are found by meaning, with words that no prompt holds', async ({ page, studio }) => {
  await open(page, studio, 12);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('1');
  await makeTwo(page);
  const search = page.getByRole('searchbox', { name: 'Search history' });
  await search.fill('a blue boat by night');
  await expect(pictures(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Search by meaning' }).click();
  // Pictures are read while the engine is idle; until then they are not among the answers.
  await expect(async () => {
    await search.fill('a blue boat by night ');
    await search.fill('a blue boat by night');
    await expect(pictures(page)).toHaveCount(2, { timeout: 5000 });
  }).toPass();
  await expect(pictures(page).first()).toHaveAccessibleName(BOAT);
});

test('all settings of a picture are told, with hashes, the step rule and what the studio remarked', async ({
  page,
  studio,
}) => {
  await open(page, studio, 3);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a red boat embedding:nothing');
  await makePicture(page);
  await expect(page.getByText('There is no embedding "nothing"')).toBeVisible();
  await pictures(page).first().getByRole('button').click();
  const details = page.getByRole('region', { name: 'Picture', exact: true });
  await details.getByText('All settings').click();
  await expect(details.getByText(/^little-world · [0-9a-f]{10}$/)).toBeVisible();
  await expect(details.getByText(/^There is no embedding "nothing"/)).toBeVisible();
  await details.getByRole('button', { name: 'Send to canvas' }).click();
  await page.getByText('More settings').click();
  await page.getByRole('combobox', { name: 'Steps of image to image' }).selectOption('comfy');
  await expect(page.getByText(/runs 3 of 3 steps/)).toBeVisible();
  await makePicture(page);
  await pictures(page).first().getByRole('button').click();
  await expect(details.getByText('all steps (ComfyUI)', { exact: true })).toBeVisible();
  await expect(details.getByRole('heading', { name: 'Lineage' })).toBeVisible();
});

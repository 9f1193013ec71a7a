/** Screenshots of each page into docs/screens: `npm run screens`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { drag, expect, goTo, makePicture, open, pictures, starterHas, test } from './studio.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'screens');
const PROMPTS = ['a green cactus in the desert at noon', 'a red boat on the sea at sunset'];

test('screens', async ({ page, studio }) => {
  test.setTimeout(1_200_000);
  mkdirSync(FOLDER, { recursive: true });
  const shot = (name: string) =>
    page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
  await open(page, studio, 12);
  await shot('welcome');
  for (const prompt of PROMPTS) {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt);
    await makePicture(page);
  }
  await page.getByRole('button', { name: 'Previous' }).click();
  await shot('create');

  await page.getByRole('button', { name: 'Accept' }).click();
  await goTo(page, 'Edit');
  await page.getByRole('radio', { name: 'Mask' }).check();
  await drag(page, [
    [50, 40],
    [80, 40],
    [84, 70],
    [56, 80],
    [46, 60],
  ]);
  await page.getByRole('slider', { name: 'Feather' }).fill('4');
  await pictures(page).nth(1).getByRole('button').click();
  await expect(page.getByRole('region', { name: 'Picture', exact: true })).toBeVisible();
  await shot('edit');

  if (starterHas(/scribble/)) {
    await goTo(page, 'Sketch');
    await drag(page, [
      [24, 86],
      [104, 86],
      [92, 102],
      [36, 102],
      [24, 86],
    ]);
    await drag(page, [
      [62, 84],
      [62, 24],
      [98, 80],
      [62, 80],
    ]);
    await expect(page.getByRole('img', { name: 'Hint picture' })).toBeVisible();
    await page.waitForTimeout(1500);
    await shot('sketch');
  }

  if (starterHas(/x4/)) {
    await page.getByRole('button', { name: 'Enlarge' }).click();
    const before = await pictures(page).count();
    await page.getByRole('button', { name: 'Upscale', exact: true }).click();
    await expect(pictures(page)).toHaveCount(before + 1, { timeout: 300_000 });
    await expect(page.getByRole('slider', { name: 'Wipe position' })).toBeVisible();
    await page.waitForTimeout(800);
    await shot('upscale');
  }

  await goTo(page, 'Train');
  await shot('train');
  await page.keyboard.press('Control+l');
  await shot('library');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: '编辑' }).click();
  await page.waitForTimeout(800);
  await shot('edit-zh');
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: '外观' }).selectOption('light');
  await page.keyboard.press('Escape');
  await page.waitForTimeout(400);
  await shot('edit-light');
});

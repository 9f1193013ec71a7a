/** From the first start to pictures: nothing to choose, and the same again from the file. */
import sharp from 'sharp';
import { drop, expect, generate, makePicture, open, pictureFile, pictures, test } from './studio.ts';

test('first start to first picture without a choice', async ({ page, studio }) => {
  await open(page, studio, 0);
  await expect(page.getByText('Welcome to Emulsion')).toBeVisible();
  await expect(generate(page)).toBeFocused();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).not.toBeEmpty();
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('30');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('button', { name: 'Stop', exact: true })).toBeVisible();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(pictures(page)).toHaveCount(1, { timeout: 180_000 });
  await expect(page.getByRole('slider', { name: 'From noise to picture' })).toBeVisible();
  const { width, height } = await sharp(await pictureFile(page)).metadata();
  expect({ width, height }).toEqual({ width: 128, height: 128 });
  // The seed that was drawn for it is still the one at hand when the window comes back.
  const seed = page.getByRole('spinbutton', { name: 'Seed' });
  const drawn = await seed.inputValue();
  expect(drawn).not.toBe('1');
  await expect(page.getByRole('status')).toContainText('all saved');
  await page.reload();
  await expect(seed).toHaveValue(drawn);
});

test('the same seed gives the same picture, and its settings come back from the file', async ({
  page,
  studio,
}) => {
  await open(page, studio);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('77');
  await makePicture(page);
  const first = await pictureFile(page);
  await makePicture(page);
  const second = await pictureFile(page);
  expect(await sharp(second).raw().toBuffer()).toEqual(await sharp(first).raw().toBuffer());

  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('something else');
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('5');
  await drop(page, 'found.png', 'image/png', first);
  await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Recall all' }).click();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue(
    'a red boat on the sea at sunset',
  );
  await expect(page.getByRole('spinbutton', { name: 'Seed' })).toHaveValue('77');
});

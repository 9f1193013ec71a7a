/** Sketches, LoRAs, upscaling and training, on what the starter set brings along. */
import sharp from 'sharp';
import { drag, expect, goTo, makePicture, open, pictureFile, pictures, test } from './studio.ts';

test('sketch to picture through the ControlNet', async ({ page, studio }) => {
  await open(page, studio, 4);
  await goTo(page, 'Sketch');
  await expect(page.getByRole('combobox', { name: 'ControlNet' })).not.toHaveValue('');
  await drag(page, [
    [20, 90],
    [60, 30],
    [100, 90],
    [20, 90],
  ]);
  await expect(page.getByRole('img', { name: 'Hint picture' })).toBeVisible();
  await makePicture(page);
  await pictureFile(page);
});

test('a LoRA is added, weighed and removed', async ({ page, studio }) => {
  await open(page, studio, 4);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('7');
  await makePicture(page);
  const plain = await sharp(await pictureFile(page))
    .raw()
    .toBuffer();
  await page.getByRole('button', { name: 'Add LoRA' }).click();
  await page.getByRole('menuitem').first().click();
  const weight = page.getByRole('slider', { name: /^Weight of / });
  await weight.fill('1');
  await makePicture(page);
  expect(
    await sharp(await pictureFile(page))
      .raw()
      .toBuffer(),
  ).not.toEqual(plain);
  await weight.fill('0');
  await makePicture(page);
  expect(
    await sharp(await pictureFile(page))
      .raw()
      .toBuffer(),
  ).toEqual(plain);
  await page.getByRole('button', { name: /^Remove / }).click();
  await expect(weight).toHaveCount(0);
});

test('a picture is enlarged and compared', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makePicture(page);
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Enlarge' }).click();
  await expect(page.getByRole('combobox', { name: 'Upscaler' })).not.toHaveValue('');
  await page.getByRole('button', { name: 'Upscale', exact: true }).click();
  await expect(pictures(page)).toHaveCount(2, { timeout: 120_000 });
  await expect(page.getByRole('slider', { name: 'Wipe position' })).toBeVisible();
  const { width } = await sharp(await pictureFile(page)).metadata();
  expect(width).toBe(512);
});

test('a tiny LoRA is trained for a few steps and used', async ({ page, studio }) => {
  await open(page, studio, 2);
  await goTo(page, 'Train');
  const picture = (colour: string) =>
    sharp({ create: { width: 128, height: 128, channels: 3, background: colour } })
      .png()
      .toBuffer();
  const files = await Promise.all(
    ['#a33', '#3a3'].map(async (colour, i) => ({
      name: `p${i}.png`,
      mimeType: 'image/png',
      buffer: await picture(colour),
    })),
  );
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add pictures' }).click();
  await (await chooser).setFiles([
    ...files,
    { name: 'p0.txt', mimeType: 'text/plain', buffer: Buffer.from('a red field') },
  ]);
  await expect(page.getByRole('textbox', { name: 'Caption' }).first()).toHaveValue('a red field');
  await page.getByRole('textbox', { name: 'Name' }).fill('field');
  await page.getByRole('textbox', { name: 'Trigger word' }).fill('field');
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('4');
  await page.getByRole('spinbutton', { name: 'Resolution' }).fill('128');
  await page.getByRole('spinbutton', { name: 'Sample every' }).fill('0');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await expect(page.getByRole('img', { name: 'Loss' })).toBeVisible();
  await expect(page.getByText(/step 4 · loss/)).toBeVisible({ timeout: 180_000 });
  await goTo(page, 'Create');
  await expect(async () => {
    await page.getByRole('button', { name: 'Add LoRA' }).click();
    await page.getByRole('menuitem', { name: /field/ }).click({ timeout: 2000 });
  }).toPass({ timeout: 60_000 });
  await makePicture(page);
});

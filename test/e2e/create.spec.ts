/** From the first start to pictures: nothing to choose, everything found again. */
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

test('a picture of A1111 offers its settings', async ({ page, studio }) => {
  await open(page, studio);
  const parameters =
    'a lighthouse, (storm:1.2)\nNegative prompt: blurry\nSteps: 9, Sampler: Euler a, CFG scale: 4.5, Seed: 1234, Size: 128x128';
  const blank = sharp({ create: { width: 128, height: 128, channels: 3, background: '#456' } });
  await drop(
    page,
    'a1111.png',
    'image/png',
    await withText(await blank.png().toBuffer(), 'parameters', parameters),
  );
  await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Recall all' }).click();
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toHaveValue(
    'a lighthouse, (storm:1.2)',
  );
  await expect(page.getByRole('spinbutton', { name: 'Steps' })).toHaveValue('9');
  await expect(page.getByRole('spinbutton', { name: 'Seed' })).toHaveValue('1234');
  await expect(page.getByRole('combobox', { name: 'Sampler' })).toHaveValue('euler_ancestral');
});

test('pictures are found by words, rated, deleted and brought back by undo', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makePicture(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('a green cactus in the desert');
  await makePicture(page);
  await page.getByRole('searchbox', { name: 'Search history' }).fill('cactus');
  await expect(pictures(page)).toHaveCount(1);
  await expect(pictures(page)).toHaveAccessibleName('a green cactus in the desert');
  await page.getByRole('searchbox', { name: 'Search history' }).fill('');
  await expect(pictures(page)).toHaveCount(2);
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(pictures(page)).toHaveCount(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(pictures(page)).toHaveCount(2);
});

test('every page speaks Chinese', async ({ page, studio }) => {
  await open(page, studio, 0);
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
  await page.keyboard.press('Escape');
  for (const name of ['创作', '编辑', '草图', '放大', '训练']) {
    await page.getByRole('tab', { name }).click();
    await expect(page.getByRole('tab', { name })).toHaveAttribute('aria-selected', 'true');
    const english = page
      .getByRole('button')
      .filter({ hasText: /Generate|Cancel|Accept|Upscale|Train|Library/ });
    await expect(english).toHaveCount(0);
  }
});

/** A PNG with one more text chunk before its end. */
async function withText(png: Buffer, keyword: string, text: string): Promise<Buffer> {
  const { crc32 } = await import('node:zlib');
  const body = Buffer.concat([Buffer.from('tEXt'), Buffer.from(`${keyword}\0${text}`, 'latin1')]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length - 4);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  const end = png.length - 12;
  return Buffer.concat([png.subarray(0, end), length, body, sum, png.subarray(end)]);
}

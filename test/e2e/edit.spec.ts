/** Editing: image to image, inpainting, the frame, undo that outlives the window. */
import type { Page } from '@playwright/test';
import sharp from 'sharp';
import {
  drag,
  drop,
  expect,
  generate,
  makePicture,
  open,
  pictureFile,
  pictures,
  stage,
  test,
} from './studio.ts';

const SIZE = 128;

/** A drawn scene to edit: sky, sea, sun. */
const scene = () =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}"><rect width="128" height="80" fill="#e0906a"/><rect y="80" width="128" height="48" fill="#2a4060"/><circle cx="96" cy="60" r="14" fill="#ffe0a3"/></svg>`,
    ),
  )
    .png()
    .toBuffer();

const pixels = async (file: Buffer) => sharp(file).removeAlpha().raw().toBuffer();

/** Mean absolute difference per channel value. */
function distance(a: Buffer, b: Buffer): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

async function dropScene(page: Page): Promise<Buffer> {
  const file = await scene();
  await drop(page, 'scene.png', 'image/png', file);
  await expect(page.getByRole('tab', { name: 'Edit' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByRole('spinbutton', { name: 'Width' })).toHaveValue(String(SIZE));
  await expect(stage(page)).toBeVisible();
  return file;
}

test('image to image: the strength says what it does, and does it', async ({ page, studio }) => {
  await open(page, studio, 6);
  const source = await pixels(await dropScene(page));
  const strength = page.getByRole('slider', { name: 'Denoising strength' });
  const far: number[] = [];
  for (const value of ['0', '0.35', '1']) {
    await strength.fill(value);
    await makePicture(page);
    far.push(distance(await pixels(await pictureFile(page)), source));
    if (value === '0.35')
      await expect(page.getByText('runs 2 of 6 steps · keeps the composition')).toBeVisible();
  }
  expect(far[0]).toBe(0);
  expect(far[1]).toBeGreaterThan(0);
  expect(far[2]).toBeGreaterThan(far[1]!);
});

test("inpainting: outside the mask every pixel is the source's; feathering afterwards needs no run", async ({
  page,
  studio,
}) => {
  await open(page, studio, 4);
  const source = await pixels(await dropScene(page));
  await page.getByRole('radio', { name: 'Mask' }).check();
  await page.getByRole('slider', { name: 'Brush size' }).fill('16');
  await page.getByRole('slider', { name: 'Denoising strength' }).fill('0.9');
  await drag(page, [
    [30, 40],
    [60, 40],
    [60, 60],
  ]);
  await expect(page.getByRole('button', { name: 'Clear mask' })).toBeEnabled();
  await makePicture(page);
  const result = await pixels(await pictureFile(page));
  const spoilt: string[] = [];
  let changed = 0;
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const i = (y * SIZE + x) * 3;
      const same = result.subarray(i, i + 3).equals(source.subarray(i, i + 3));
      // The stroke's reach: its path and 8 pixels of radius, and one for the rim.
      const inside = x >= 20 && x <= 70 && y >= 30 && y <= 70;
      if (!same && inside) changed++;
      else if (!same) spoilt.push(`${x},${y}`);
    }
  expect(spoilt).toEqual([]);
  expect(changed).toBeGreaterThan(300);

  const before = await stage(page).screenshot();
  await page.getByRole('slider', { name: 'Feather' }).fill('10');
  await expect
    .poll(async () => (await stage(page).screenshot()).equals(before), 'blended anew on the canvas')
    .toBe(false);
  await page.getByRole('button', { name: 'Accept' }).click();
  await expect(page.getByRole('button', { name: 'Layers 2' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden();
  await expect(pictures(page)).toHaveCount(1);
});

test('outpainting: the frame reaches beyond the picture, and the picture inside stays', async ({
  page,
  studio,
}) => {
  await open(page, studio, 4);
  const source = await pixels(await dropScene(page));
  await page.getByRole('spinbutton', { name: 'Width' }).fill('192');
  await makePicture(page);
  const file = await pictureFile(page);
  const { width, height } = await sharp(file).metadata();
  expect({ width, height }).toEqual({ width: 192, height: SIZE });
  const kept = await pixels(
    await sharp(file).extract({ left: 0, top: 0, width: SIZE, height: SIZE }).png().toBuffer(),
  );
  expect(distance(kept, source)).toBe(0);
});

test('one undo for strokes and settings, kept when the page is loaded again', async ({ page, studio }) => {
  await open(page, studio, 4);
  await dropScene(page);
  const undo = page.getByRole('button', { name: 'Undo' });
  await drag(page, [
    [30, 40],
    [60, 40],
  ]);
  await page.getByRole('slider', { name: 'Grow' }).fill('6');
  await page.getByRole('textbox', { name: 'Negative prompt' }).fill('blurry');
  await expect(page.getByRole('status')).toContainText('all saved');
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Negative prompt' })).toHaveValue('blurry');
  await page.getByRole('tab', { name: 'Edit' }).click();
  await page.getByRole('radio', { name: 'Mask' }).check();
  await undo.click();
  await expect(page.getByRole('textbox', { name: 'Negative prompt' })).toHaveValue('');
  await undo.click();
  await expect(page.getByRole('slider', { name: 'Grow' })).toHaveValue('0');
  await expect(page.getByRole('button', { name: 'Clear mask' })).toBeEnabled();
  await undo.click();
  await expect(page.getByRole('button', { name: 'Clear mask' })).toBeDisabled();
  await page.getByRole('button', { name: 'Redo' }).click();
  await expect(page.getByRole('button', { name: 'Clear mask' })).toBeEnabled();
  await expect(generate(page)).toBeEnabled();
});

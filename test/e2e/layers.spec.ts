/** Many layers: they look like what they are composed of, and cost no more to draw than a few. */
import type { Page } from '@playwright/test';
import sharp from 'sharp';
import { drop, expect, onScreen, open, stage, test } from './studio.ts';
import { traced, windowTasks } from './tracing.ts';

const SIZE = 128;
const COUNT = 14;
/** More than these images are never drawn for the layers below the active one: five by themselves, the others as one. */
const DRAWN = 6;

const LARGE = 4096;
const LARGE_COUNT = 8;
/** A task longer than this, in milliseconds, is felt. */
const TASK = 100;

/** A large sheet of one translucent colour. */
const sheet = (i: number): Promise<Buffer> =>
  sharp({
    create: {
      width: LARGE,
      height: LARGE,
      channels: 4,
      background: { r: (i * 80) % 255, g: 100, b: 200 - i * 10, alpha: i === 0 ? 1 : 0.3 },
    },
  })
    .png({ compressionLevel: 1 })
    .toBuffer();

/** A translucent band across the whole, each at its own height and of its own colour; the first is opaque everywhere. */
const band = (i: number): Promise<Buffer> =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}">${i === 0 ? '<rect width="128" height="128" fill="#204060"/>' : ''}<rect y="${i * 8}" width="${SIZE}" height="24" fill="hsl(${i * 47} 80% 60%)" fill-opacity="0.6"/></svg>`,
    ),
  )
    .png()
    .toBuffer();

/** Counts what is drawn on the canvas that lies lowest: what is below the active layer. */
function countDrawn(): void {
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (
    this: CanvasRenderingContext2D,
    ...args: unknown[]
  ) {
    const { canvas } = this;
    if (canvas === canvas.parentElement?.querySelector('canvas'))
      canvas.dataset['drawn'] = String(Number(canvas.dataset['drawn'] ?? 0) + 1);
    Reflect.apply(draw, this, args);
  };
}

/** How many images one step of panning draws there. */
async function drawnForPan(page: Page): Promise<number> {
  const lowest = stage(page).locator('canvas').first();
  await lowest.evaluate((canvas) => {
    canvas.dataset['drawn'] = '0';
  });
  await stage(page).hover();
  for (const way of [40, -40]) {
    await page.mouse.wheel(way, 0);
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }
  return Number(await lowest.getAttribute('data-drawn')) / 2;
}

/** Largest difference of a colour value between the canvas and the layers composed by another library, at the bands' middles. */
async function furthest(page: Page, files: readonly Buffer[]): Promise<number> {
  const composed = await sharp(files[0])
    .composite(files.slice(1).map((input) => ({ input })))
    .removeAlpha()
    .raw()
    .toBuffer();
  let worst = 0;
  const spots: { readonly x: number; readonly y: number; readonly at: { x: number; y: number } }[] = [];
  for (let y = 4; y < SIZE; y += 8) spots.push({ x: 30, y, at: await onScreen(page, 30, y) });
  const { data, info } = await sharp(await page.screenshot())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (const { x, y, at } of spots)
    for (let channel = 0; channel < 3; channel++) {
      const seen = data[(Math.round(at.y) * info.width + Math.round(at.x)) * 3 + channel]!;
      worst = Math.max(worst, Math.abs(seen - composed[(y * SIZE + x) * 3 + channel]!));
    }
  return worst;
}

test('a document of many layers looks like their composition and is drawn like one of a few', async ({
  page,
  studio,
}) => {
  await page.addInitScript(countDrawn);
  await open(page, studio, 0);
  const files = await Promise.all(Array.from({ length: COUNT }, (_, i) => band(i)));
  for (const [i, file] of files.entries()) {
    await drop(page, `band ${i}.png`, 'image/png', file);
    await expect(page.getByRole('button', { name: new RegExp(`^Layers ${i + 1}$`) })).toBeVisible();
  }
  await page.getByRole('radio', { name: 'Hand' }).check();
  await expect.poll(() => drawnForPan(page)).toBeLessThanOrEqual(DRAWN);
  expect(await drawnForPan(page)).toBeGreaterThan(0);
  await expect.poll(() => furthest(page, files)).toBeLessThan(4);
  // Another layer is active: other layers lie below it, others above.
  await page.getByRole('button', { name: /^Layers/ }).click();
  await page.getByRole('button', { name: 'band 9', exact: true }).click();
  await page.keyboard.press('Escape');
  await expect.poll(() => drawnForPan(page)).toBeLessThanOrEqual(DRAWN);
  await expect.poll(() => furthest(page, files)).toBeLessThan(4);
  // One that was part of the bitmap goes, and comes back.
  await page.getByRole('button', { name: /^Layers/ }).click();
  await page.getByRole('button', { name: 'Hide band 2' }).click();
  await page.keyboard.press('Escape');
  const without = files.filter((_, i) => i !== 2);
  await expect.poll(() => furthest(page, without)).toBeLessThan(4);
  expect(await furthest(page, files)).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => furthest(page, files)).toBeLessThan(4);
});

test(`panning and zooming over large layers has no task over ${TASK} ms`, async ({ page, studio }) => {
  test.setTimeout(180_000);
  await open(page, studio, 0);
  for (let i = 0; i < LARGE_COUNT; i++) {
    await drop(page, `sheet ${i}.png`, 'image/png', await sheet(i));
    await expect(page.getByRole('button', { name: new RegExp(`^Layers ${i + 1}$`) })).toBeVisible();
  }
  await stage(page).hover();
  const wheel = async (way: number, x: number, y: number) => {
    for (let i = 0; i < 30; i++) {
      await page.mouse.wheel(way * x, way * y);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  };
  const look = async () => {
    for (const way of [1, -1]) {
      await wheel(way, 8, 5);
      await page.keyboard.down('Control');
      await wheel(-way, 0, 60);
      await page.keyboard.up('Control');
    }
  };
  // The machine may be busy: processor time is judged.
  const tasks = async () => windowTasks(await traced(page, look)).map(({ tdur = 0 }) => tdur / 1000);
  // The first look makes the halves of the pictures.
  const [first, second] = [await tasks(), await tasks()];
  console.log(
    `${LARGE_COUNT} layers of ${LARGE}²: longest task ${Math.max(...first).toFixed(0)} ms of processor time, then ${Math.max(...second).toFixed(0)} ms`,
  );
  for (const milliseconds of [first, second]) {
    expect(milliseconds.length).toBeGreaterThan(120);
    expect(Math.max(...milliseconds)).toBeGreaterThan(1);
    expect(Math.max(...milliseconds)).toBeLessThan(TASK);
  }
});

test('the list of layers keeps the focus when its rows move and go', async ({ page, studio }) => {
  await open(page, studio, 0);
  for (const i of [0, 1, 2]) await drop(page, `band ${i}.png`, 'image/png', await band(i));
  await page.getByRole('button', { name: 'Layers 3' }).click();
  const list = page.getByRole('list', { name: 'Layers' });
  const lower = page.getByRole('button', { name: 'Lower band 2' });
  await lower.focus();
  await page.keyboard.press('Enter');
  await expect(list.getByRole('listitem').nth(1)).toContainText('band 2');
  await expect(lower).toBeFocused();
  for (const name of ['band 2', 'band 0', 'band 1']) {
    await page.getByRole('button', { name: `Delete ${name}` }).click();
    await expect(page.getByRole('button', { name: `Delete ${name}` })).toHaveCount(0);
  }
  await page.keyboard.press('Escape');
  await expect(list).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Layers 0' })).toBeFocused();
});

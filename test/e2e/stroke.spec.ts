/** Painting keeps up with the hand: what one pointer event of a stroke costs on a large document; and where strokes end. */
import type { Page } from '@playwright/test';
import sharp from 'sharp';
import { drag, expect, goTo, onScreen, open, test } from './studio.ts';
import { spread, traced } from './tracing.ts';

/** A frame at 60 Hz. */
const BUDGET = 16;
const SIZE = 4096;
const STROKE = [
  [600, 600],
  [3400, 900],
  [900, 2400],
  [3000, 3300],
  [500, 3600],
  [3600, 500],
] as const;

for (const tool of ['Mask', 'Brush'] as const)
  test(`${tool.toLowerCase()} strokes on a ${SIZE}² document stay under ${BUDGET} ms per pointer event`, async ({
    page,
    studio,
  }) => {
    await open(page, studio, 0);
    await page.getByRole('spinbutton', { name: 'Width' }).fill(String(SIZE));
    await page.getByRole('spinbutton', { name: 'Height' }).fill(String(SIZE));
    await page.getByRole('tab', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Fit' }).click();
    await page.getByRole('radio', { name: tool }).check();
    await page.getByRole('slider', { name: 'Brush size' }).fill('200');
    const events = await traced(page, () => drag(page, STROKE, 40));
    const moves = events.filter(
      ({ name, args }) => name === 'EventDispatch' && args?.data?.type === 'pointermove',
    );
    const frames = events.filter(({ name }) => name === 'FireAnimationFrame');
    // The machine may be busy with other work: the clock is told, the processor time of the page is judged.
    const clock = spread(moves.map(({ dur = 0 }) => dur / 1000));
    const processor = spread(moves.map(({ tdur = 0 }) => tdur / 1000));
    const drawing = spread(frames.map(({ tdur = 0 }) => tdur / 1000));
    const tell = ({ median, high, worst }: ReturnType<typeof spread>) =>
      `${median.toFixed(2)} / ${high.toFixed(2)} / ${worst.toFixed(2)} ms`;
    console.log(
      `${tool} on ${SIZE}², ${moves.length} pointer events, median / 95 % / worst: clock ${tell(clock)}, processor ${tell(processor)}, drawing per frame ${tell(drawing)}`,
    );
    expect(moves.length).toBeGreaterThan(150);
    expect(processor.high).toBeLessThan(BUDGET);
    expect(drawing.high).toBeLessThan(BUDGET);
  });

/** How red a point of the document is against its green, 0–255. */
async function redness(page: Page, x: number, y: number): Promise<number> {
  const { x: left, y: top } = await onScreen(page, x, y);
  // Out of the way of the ring.
  await page.mouse.move(0, 0);
  const clip = { x: Math.round(left), y: Math.round(top), width: 1, height: 1 };
  const [red, green] = await sharp(await page.screenshot({ clip }))
    .removeAlpha()
    .raw()
    .toBuffer();
  return red! - green!;
}

for (const other of ['Sketch', 'Upscale'] as const)
  test(`a mask stroke ends where it had come to when ${other} is opened`, async ({ page, studio }) => {
    await open(page, studio, 0);
    await goTo(page, 'Edit');
    await page.getByRole('radio', { name: 'Mask' }).check();
    const [from, middle, to] = [
      await onScreen(page, 20, 64),
      await onScreen(page, 60, 64),
      await onScreen(page, 110, 64),
    ];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(middle.x, middle.y, { steps: 4 });
    await page.keyboard.press(other === 'Sketch' ? 'Alt+3' : 'Alt+4');
    await expect(page.getByRole('tab', { name: other })).toHaveAttribute('aria-selected', 'true');
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
    await goTo(page, 'Edit');
    await expect.poll(() => redness(page, 40, 64)).toBeGreaterThan(50);
    // As wide as a mask's brush, not as a sketch's.
    expect(await redness(page, 40, 68)).toBeGreaterThan(30);
    expect(await redness(page, 100, 64)).toBeLessThan(10);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
  });

test('Space pans right after a page or a tool was chosen, and is released wherever the focus has gone', async ({
  page,
  studio,
}) => {
  await open(page, studio, 0);
  await goTo(page, 'Edit');
  const clear = page.getByRole('button', { name: 'Clear mask' });
  const pannedBySpace = async () => {
    const before = await onScreen(page, 0, 0);
    await page.keyboard.down('Space');
    await drag(page, [
      [30, 30],
      [60, 40],
    ]);
    return (await onScreen(page, 0, 0)).x - before.x;
  };
  expect(await pannedBySpace()).toBeGreaterThan(20);
  await page.keyboard.up('Space');
  await page.getByRole('radio', { name: 'Hand' }).click();
  await page.getByRole('radio', { name: 'Mask' }).click();
  expect(await pannedBySpace()).toBeGreaterThan(20);
  await expect(clear).toBeDisabled();
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).focus();
  await page.keyboard.up('Space');
  await drag(page, [
    [30, 30],
    [60, 40],
  ]);
  await expect(clear).toBeEnabled();
});

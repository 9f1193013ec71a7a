/** A small window (1024 × 700): nothing that one needs lies outside of it or under something else. */
import {
  drop,
  expect,
  generate,
  goTo,
  makePicture,
  open,
  type Page,
  pictures,
  stage,
  test,
} from './studio.ts';

test.use({ viewport: { width: 1024, height: 700 } });

/** Whole in the window, and what a click in its middle meets. */
async function expectReachable(page: Page, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const button = page.getByRole('button', { name, exact: true }).first();
    await expect(button, name).toBeInViewport({ ratio: 1 });
    await button.click({ trial: true });
  }
}

/** A stroke through the middle of the canvas. */
async function strokeAcross(page: Page): Promise<void> {
  const box = (await stage(page).boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x - 30, y);
  await page.mouse.down();
  await page.mouse.move(x + 30, y + 20, { steps: 6 });
  await page.mouse.up();
}

test('a masked result is judged, and every page reached, in a small window', async ({ page, studio }) => {
  await open(page, studio, 2);
  await expectReachable(page, ['Library', 'Studio settings', 'Undo']);
  for (const name of ['Create', 'Edit', 'Sketch', 'Upscale', 'Train'] as const) {
    await goTo(page, name);
    await expect(page.getByRole('tab', { name })).toBeInViewport({ ratio: 1 });
  }
  await goTo(page, 'Create');
  await makePicture(page);
  await page.getByRole('button', { name: 'Accept' }).click();
  await goTo(page, 'Edit');
  await page.getByRole('radio', { name: 'Mask' }).check();
  await strokeAcross(page);
  await generate(page).click();
  await expect(pictures(page)).toHaveCount(2, { timeout: 180_000 });
  await expectReachable(page, ['Accept', 'Discard', 'Layers 1', 'Invert mask', 'Fit']);
  await expect(page.getByRole('slider', { name: 'Feather' })).toBeInViewport({ ratio: 1 });
  // What floats at the bottom lies below the picture: here the canvas is asked what lies right above it.
  const foot = (await page.locator('.over-bottom').boundingBox())!;
  await page.mouse.move(foot.x + foot.width / 2, foot.y - 2);
  expect((await stage(page).getAttribute('data-pointer'))!.split(',').map(Number)[1]).toBeGreaterThan(127);
  await page.getByRole('button', { name: 'Accept' }).click();
  await expect(page.getByRole('button', { name: 'Layers 2' })).toBeVisible();
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect(page.getByRole('slider', { name: 'Wipe position' })).toBeInViewport({ ratio: 1 });
  const compared = await page.getByRole('slider', { name: 'Wipe position' }).boundingBox();
  expect(compared!.height).toBeGreaterThan(350);
  await expectReachable(page, ['Wipe', 'Side by side', 'Difference']);
});

test('a sketch is not written over once its picture is shown', async ({ page, studio }) => {
  await open(page, studio, 2);
  const hint = page.getByText('White lines on black', { exact: false });
  await goTo(page, 'Sketch');
  await expect(hint).toBeVisible();
  // What is drawn and what is asked for are seen together.
  await expect(page.getByRole('textbox', { name: 'Prompt', exact: true })).toBeInViewport({ ratio: 1 });
  await expect(page.getByText('Draw on the canvas, or drop a photo.')).toBeInViewport({ ratio: 1 });
  await goTo(page, 'Create');
  await makePicture(page);
  await goTo(page, 'Sketch');
  await expect(page.getByRole('button', { name: 'Accept' })).toBeVisible();
  await expect(hint).toHaveCount(0);
});

test('a fitted picture lies below the options bar with its label, however narrow the canvas', async ({
  page,
  studio,
}) => {
  await open(page, studio, 0);
  await goTo(page, 'Edit');
  await page.getByRole('radio', { name: 'Mask' }).check();
  for (const width of [1024, 1100, 1240, 1366, 1440]) {
    await page.setViewportSize({ width, height: 720 });
    await expect.poll(async () => (await stage(page).boundingBox())!.width).toBe(width - 620);
    const bar = (await page.locator('.over-top').boundingBox())!;
    // The picture is fitted in a frame after the canvas has got its width.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    // The label is 16 px high.
    const below = async () => {
      for (const by of [16, 17]) await page.mouse.move(bar.x + bar.width / 2, bar.y + bar.height + by);
      return (await stage(page).getAttribute('data-pointer'))?.split(',')[1];
    };
    await expect.poll(below, `${width} px`).toMatch(/^-/);
  }
});

test('what the studio says covers no button of a dialog, and stays to be read and closed', async ({
  page,
  studio,
}) => {
  await open(page, studio, 0);
  const files = ['notes.doc', 'table.xls', 'song.flac'];
  for (const name of files) await drop(page, name, '', Buffer.from(name));
  const messages = page.getByRole('region', { name: 'Messages' });
  const dismiss = messages.getByRole('button', { name: 'Dismiss' });
  await expect(dismiss).toHaveCount(files.length);
  for (const keys of ['Control+l', 'Control+,', 'Control+o']) {
    await page.keyboard.press(keys);
    const dialog = page.getByRole('dialog');
    await expect(dialog).toHaveCSS('opacity', '1');
    for (const name of files)
      await expect(messages.getByText(name, { exact: false }).first()).toBeInViewport({ ratio: 1 });
    for (const button of await dialog.getByRole('button', { disabled: false }).all())
      await button.click({ trial: true, timeout: 5000 });
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
  }
  await page.keyboard.press('Control+o');
  await dismiss.first().focus();
  await page.keyboard.press('Enter');
  await expect(dismiss).toHaveCount(files.length - 1);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(dismiss).toHaveCount(files.length - 1);
});

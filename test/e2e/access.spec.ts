/** Reachable by everyone: axe finds nothing serious on any page, and the keyboard alone is enough. */
import AxeBuilder from '@axe-core/playwright';
import { en } from '../../renderer/i18n/en.ts';
import { everyDialog, everyPage, expect, goTo, makePicture, open, pictures, stage, test } from './studio.ts';

// A colour on its way from one to the other is neither: axe looks at the page at rest.
test.use({ contextOptions: { reducedMotion: 'reduce' } });

for (const theme of ['dark', 'light', 'high-contrast'] as const)
  test(`axe-core finds no serious violation (${theme})`, async ({ page, studio }) => {
    // axe walks every page and dialog of the window, which takes minutes on a busy machine.
    test.slow();
    await open(page, studio, 2);
    const check = async (name: string) => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`)).toEqual([]);
    };
    await page.keyboard.press('Control+,');
    await page.getByRole('combobox', { name: 'Appearance' }).selectOption(theme);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await check('first page');
    await makePicture(page);
    await pictures(page).first().getByRole('button').click();
    await everyPage(page, en, check);
    await everyDialog(page, en, check);
  });

test('landmarks and names are as promised', async ({ page, studio }) => {
  await open(page, studio, 0);
  await expect(page.getByRole('main')).toBeVisible();
  await expect(page.getByRole('complementary', { name: 'Settings' })).toBeVisible();
  await expect(page.getByRole('complementary', { name: 'History' })).toBeVisible();
  await expect(page.getByRole('status')).toBeVisible();
  for (const name of ['Steps', 'CFG scale', 'Seed', 'Width', 'Height', 'Batch'])
    await expect(page.getByRole('spinbutton', { name }), name).toBeVisible();
  for (const name of ['Checkpoint', 'Sampler', 'Schedule'])
    await expect(page.getByRole('combobox', { name }), name).toBeVisible();
  for (const name of ['Add LoRA', 'Random seed', 'Generate', 'Undo', 'Redo', 'Fit', '100 %'])
    await expect(page.getByRole('button', { name, exact: name !== 'Generate' }), name).toBeVisible();
  await goTo(page, 'Edit');
  const tools = page.getByRole('radiogroup', { name: 'Tools' });
  for (const name of ['Move', 'Brush', 'Eraser', 'Mask', 'Lasso', 'Rectangle', 'Frame', 'Hand'])
    await expect(tools.getByRole('radio', { name }), name).toBeVisible();
  for (const name of ['Brush size', 'Hardness', 'Opacity', 'Feather', 'Grow'])
    await expect(page.getByRole('slider', { name, exact: true }), name).toBeVisible();
  await goTo(page, 'Sketch');
  await expect(page.getByRole('switch', { name: 'Use sketch' })).toBeVisible();
  for (const name of ['ControlNet', 'Preprocessor'])
    await expect(page.getByRole('combobox', { name }), name).toBeVisible();
  for (const name of ['Control weight', 'Control start', 'Control end'])
    await expect(page.getByRole('slider', { name }), name).toBeVisible();
});

test('tools, pages and zoom by keyboard', async ({ page, studio }) => {
  await open(page, studio, 0);
  await page.keyboard.press('Alt+2');
  await expect(page.getByRole('tab', { name: 'Edit' })).toHaveAttribute('aria-selected', 'true');
  await stage(page).focus();
  for (const [key, name] of [
    ['b', 'Brush'],
    ['e', 'Eraser'],
    ['l', 'Lasso'],
    ['f', 'Frame'],
    ['v', 'Move'],
    ['m', 'Mask'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(page.getByRole('radio', { name })).toBeChecked();
  }
  await page.keyboard.press('Control+1');
  await expect(page.locator('.zoom .value')).toHaveText('100 %');
  await page.keyboard.press('f');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Control+z');
  await expect(page.getByRole('button', { name: 'Redo' })).toBeEnabled();
});

/** Reachable by everyone: axe finds nothing serious on any page, and the keyboard alone is enough. */
import AxeBuilder from '@axe-core/playwright';
import { en } from '../../renderer/i18n/en.ts';
import {
  drop,
  everyDialog,
  everyPage,
  expect,
  generate,
  goTo,
  makePicture,
  open,
  type Page,
  pictures,
  type Studio,
  stage,
  test,
} from './studio.ts';

// A colour on its way from one to the other is neither: axe looks at the page at rest.
test.use({ contextOptions: { reducedMotion: 'reduce' } });

type Theme = 'dark' | 'light' | 'high-contrast';

/** What axe must not find in the window as it stands. */
const checker = (page: Page) => async (name: string) => {
  // The window has no frames, whose results would be put together in another page, and what passes is not looked at.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations } = await axe.analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`)).toEqual([]);
};

async function choose(page: Page, theme: Theme): Promise<void> {
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Appearance' }).selectOption(theme);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

for (const theme of ['dark', 'light', 'high-contrast'] as const)
  test(`axe-core finds no serious violation (${theme})`, async ({ page, studio }) => {
    // axe walks every page and dialog of the window, which takes minutes on a busy machine.
    test.slow();
    await open(page, studio, 2);
    const check = checker(page);
    await choose(page, theme);
    await check('first page');
    await makePicture(page);
    await pictures(page).first().getByRole('button').click();
    await everyPage(page, en, check);
    await everyDialog(page, en, check);
  });

/** Things that look different once they are chosen, unfolded, running or wrong. */
const STATES: Readonly<Record<string, (page: Page, studio: Studio) => Promise<void>>> = {
  'a row of the library chosen': async (page) => {
    await page.keyboard.press('Control+l');
    const rows = page.getByRole('dialog').locator('.model-row');
    await rows.first().click();
    await expect(rows.first()).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByRole('dialog')).toHaveCSS('opacity', '1');
  },
  'a queue with a running, waiting and failed job, unfolded': async (page) => {
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await page.getByRole('spinbutton', { name: 'Steps' }).fill('150');
    for (let i = 0; i < 3; i++) {
      await generate(page).click();
      await expect(generate(page)).toBeEnabled();
    }
    await page.getByTitle('Unfold the queue').first().click();
    await expect(page.getByRole('list', { name: 'Queue' }).getByRole('listitem')).toHaveCount(3);
  },
  'an error shown, its details unfolded': async (page) => {
    await drop(page, 'half.emulsion', '', Buffer.from('no project'));
    const alert = page.getByRole('region', { name: 'Messages' }).getByRole('alert');
    await alert.getByText('Details').click();
    await expect(alert.getByRole('button', { name: 'Copy' })).toBeVisible();
  },
  'a LoRA, weighed and put aside': async (page) => {
    await page.getByRole('button', { name: 'Add LoRA' }).click();
    await page.getByRole('menuitem').first().click();
    await expect(page.getByRole('slider', { name: /^Weight of / })).toBeVisible();
  },
  'layers unfolded': async (page) => {
    await page.getByTitle('Fold the queue').first().click();
    await page.getByRole('button', { name: 'Accept' }).click();
    await goTo(page, 'Edit');
    await page.getByRole('button', { name: 'Layers 1' }).click();
    await expect(page.getByRole('list', { name: 'Layers' })).toBeVisible();
  },
  'a studio that does not answer': async (page, studio) => {
    await page.keyboard.press('Escape');
    await expect(page.getByRole('status')).toContainText('all saved');
    await studio.crash();
    await expect(page.getByText('does not answer')).toBeVisible();
  },
  'a job that was cut short, its trouble unfolded': async (page, studio) => {
    await studio.restart();
    await page.reload();
    await page.getByTitle('Unfold the queue').first().click();
    const panel = page.getByRole('region', { name: 'All jobs' });
    await expect(panel.getByRole('button', { name: 'Continue' })).toBeVisible();
    await expect(panel).toContainText('ended while this job was running');
    await pictures(page).first().getByRole('button').click();
    await expect(page.getByRole('region', { name: 'Picture', exact: true })).toBeVisible();
  },
};

for (const theme of ['dark', 'light', 'high-contrast'] as const)
  test(`axe-core finds no serious violation in what is chosen, busy or wrong (${theme})`, async ({
    page,
    studio,
  }) => {
    test.slow();
    await open(page, studio, 2);
    await choose(page, theme);
    await makePicture(page);
    await pictures(page).first().getByRole('button').click();
    for (const [name, arrange] of Object.entries(STATES)) {
      await arrange(page, studio);
      await checker(page)(name);
    }
    // All of it at once, on every page.
    await everyPage(page, en, checker(page));
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

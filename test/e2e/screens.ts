/** Screenshots of each page into docs/screens: `npm run screens`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { drag, expect, goTo, makePicture, open, type Page, pictureFile, pictures, test } from './studio.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'docs', 'screens');
const PROMPTS = [
  'a yellow house on the hills at night',
  'a green cactus in the desert by day',
  'a blue balloon over the sea by day',
  'a red boat on the sea at sunset',
];

/** Takes a picture of the window once everything on it is there. */
async function shot(page: Page, name: string): Promise<void> {
  // Where this checkout lies is nobody's business.
  await page.evaluate((root) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode())
      if (walker.currentNode.textContent?.includes(root))
        walker.currentNode.textContent = walker.currentNode.textContent.replace(root, '/home/you/emulsion');
  }, ROOT);
  await page.evaluate(async () => {
    await document.fonts.ready;
    await Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)));
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
}

test.use({ contextOptions: { reducedMotion: 'reduce' } });

test('screens', async ({ page, studio }) => {
  test.setTimeout(1_800_000);
  mkdirSync(FOLDER, { recursive: true });
  await open(page, studio, 20);
  await shot(page, 'welcome');
  await create(page);
  await edit(page);
  await sketch(page);
  await upscale(page);
  await train(page);
  await dialogs(page);
  await looks(page);
});

async function create(page: Page): Promise<void> {
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  for (const text of PROMPTS) {
    await prompt.fill(text);
    await makePicture(page);
  }
  await fillBoards(page);
  await page.getByRole('button', { name: 'Add LoRA' }).click();
  await page.getByRole('menuitem', { name: /woodcut/ }).click();
  await prompt.fill('a red boat on the sea at sunset, woodcut print');
  await makePicture(page);
  await shot(page, 'create');
  await page.getByRole('button', { name: /^Remove / }).click();
  await prompt.fill(PROMPTS.at(-1)!);
  await makePicture(page);
}

/** Two boards with pictures on them. */
async function fillBoards(page: Page): Promise<void> {
  for (const [name, places] of [
    ['By the sea', [0, 1]],
    ['Dry land', [2, 3]],
  ] as const) {
    for (const place of places)
      await pictures(page)
        .nth(place)
        .getByRole('button')
        .click({ modifiers: ['Control'] });
    await page.getByRole('toolbar').getByRole('button', { name: 'Put on a board' }).click();
    await page.getByRole('menuitem', { name: 'New board' }).click();
    await page.getByRole('textbox', { name: 'Name of the board' }).fill(name);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: `${name} 2` })).toBeVisible();
  }
}

async function edit(page: Page): Promise<void> {
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
  await pictures(page).nth(2).getByRole('button').click();
  await expect(page.getByRole('region', { name: 'Picture', exact: true })).toBeVisible();
  await shot(page, 'edit');
}

async function sketch(page: Page): Promise<void> {
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
  await makePicture(page);
  await shot(page, 'sketch');
  await page.getByRole('button', { name: 'Discard' }).click();
}

async function upscale(page: Page): Promise<void> {
  await pictures(page).nth(1).getByRole('button').click();
  await page.getByRole('button', { name: 'Enlarge' }).click();
  await page.getByRole('button', { name: 'Upscale', exact: true }).click();
  await expect(page.getByRole('slider', { name: 'Wipe position' })).toBeVisible({ timeout: 300_000 });
  await shot(page, 'upscale');
}

async function train(page: Page): Promise<void> {
  const files = [];
  for (const place of [4, 5, 6])
    files.push({ name: `${place}.png`, mimeType: 'image/png', buffer: await pictureFile(page, place) });
  await goTo(page, 'Train');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add pictures' }).click();
  await (await chooser).setFiles(files);
  await page.getByRole('textbox', { name: 'Name' }).fill('my little world');
  await page.getByRole('textbox', { name: 'Trigger word' }).fill('mylw');
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('60');
  await page.getByRole('spinbutton', { name: 'Resolution' }).fill('128');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await expect(page.getByText(/step [2-5]\d · loss/)).toBeVisible({ timeout: 600_000 });
  await shot(page, 'train');
  await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 600_000 });
}

async function dialogs(page: Page): Promise<void> {
  await page.keyboard.press('Control+l');
  await expect(page.getByRole('dialog', { name: 'Library' })).toContainText('little-world-scribble');
  await shot(page, 'library');
  await page.getByRole('tab', { name: 'Disk space' }).click();
  await expect(page.getByRole('region', { name: 'Models not used' })).toBeVisible();
  await shot(page, 'disk-space');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+,');
  await page.getByRole('button', { name: 'Device and self-test' }).first().click();
  const run = page.getByRole('button', { name: 'Run the test' });
  await run.click();
  await expect(page.getByRole('button', { name: 'Running…' })).toBeVisible();
  await expect(run).toBeEnabled({ timeout: 300_000 });
  await shot(page, 'self-test');
  await page.keyboard.press('Escape');
}

/** The other language and the other looks, on the Edit page. */
async function looks(page: Page): Promise<void> {
  await goTo(page, 'Edit');
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Appearance' }).selectOption('light');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await shot(page, 'edit-light');
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Appearance' }).selectOption('dark');
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await shot(page, 'edit-zh');
}

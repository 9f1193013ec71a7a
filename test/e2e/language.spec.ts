/** Every page and dialog in Simplified Chinese: no word of the English window is left on it. */
import { en } from '../../renderer/i18n/en.ts';
import { zh } from '../../renderer/i18n/zh.ts';
import { SCHEDULE_LABELS } from '../../renderer/request/samplers.ts';
import {
  complaints,
  everyDialog,
  everyPage,
  expect,
  makePicture,
  open,
  type Page,
  pictures,
  test,
} from './studio.ts';

const keys = Object.keys(en) as (keyof typeof en)[];
/** English on purpose: names that Chinese has too, names of schedules, and the project's, which the first start gave it. */
const NAMES: ReadonlySet<string> = new Set([
  ...keys.filter((key) => en[key] === zh[key]).map((key) => en[key]),
  ...Object.values(SCHEDULE_LABELS),
  en.untitled,
]);
/** Whole English labels that read otherwise in Chinese. */
const ENGLISH: ReadonlySet<string> = new Set(keys.map((key) => en[key]).filter((word) => !NAMES.has(word)));

/** Everything on the page that is read or read aloud: texts, names, hints. */
function words(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.textContent ?? '');
    for (const element of document.querySelectorAll('*'))
      for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
        found.push(element.getAttribute(name) ?? '');
    return [...new Set(found.map((text) => text.trim()))].filter((text) => text !== '');
  });
}

test('every page and dialog speaks Chinese, and the console has nothing to say', async ({ page, studio }) => {
  const heard = complaints(page);
  await open(page, studio, 2);
  await makePicture(page);
  await pictures(page).first().getByRole('button').click();
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
  await page.keyboard.press('Escape');
  const check = async (name: string) => {
    const seen = await words(page);
    expect(seen.length, name).toBeGreaterThan(20);
    expect(
      seen.filter((text) => ENGLISH.has(text)),
      name,
    ).toEqual([]);
    expect(
      seen.filter((text) => /[\u4e00-\u9fff]/.test(text)).length,
      `Chinese words on ${name}`,
    ).toBeGreaterThan(10);
  };
  await everyPage(page, zh, check);
  await everyDialog(page, zh, check);
  expect(heard).toEqual([]);
});

test('what the studio says is Chinese too: an error with its next step', async ({ page, studio }) => {
  await open(page, studio, 0);
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Language' }).selectOption('zh-CN');
  await page.keyboard.press('Escape');
  for (let time = 0; time < 2; time++) {
    await page.getByRole('button', { name: zh['board.new'] }).click();
    await page.getByRole('textbox', { name: zh['board.name'] }).fill('Sea');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: zh['board.name'] })).toHaveCount(0);
  }
  const notice = page.getByRole('alert');
  await expect(notice).toContainText('已有名为“Sea”的图集。');
  await expect(notice).toContainText('请换一个名字。');
});

test.describe('on a Chinese system', () => {
  test.use({ locale: 'zh-CN' });

  test('the first start speaks Chinese, and so is the first project named', async ({ page, studio }) => {
    await page.goto(studio.url());
    await expect(page.getByRole('tab', { name: zh['mode.create'] })).toBeVisible();
    await expect(page.locator('header')).toContainText(zh.untitled);
  });
});

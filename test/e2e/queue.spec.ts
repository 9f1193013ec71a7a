/** The queue, and what survives when engine or server are killed. */
import { expect, generate, makePicture, open, type Page, pictures, test } from './studio.ts';

/** Waits until the running job has taken a step: the engine is started and the model loaded. */
const stepping = (page: Page) => expect(status(page)).toContainText(/step [1-9]/, { timeout: 180_000 });

const status = (page: Page) => page.getByRole('status');
const queue = (page: Page) => page.getByRole('list', { name: 'Queue' }).getByRole('listitem');
const item = (page: Page, word: string) =>
  page.getByRole('list', { name: 'Queue' }).getByRole('listitem', { name: word });

test('five jobs: reorder, cancel, the rest is painted in order', async ({ page, studio }) => {
  await open(page, studio, 30);
  const add = async (word: string) => {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(`a boat, ${word}`);
    await generate(page).click();
    await expect(item(page, word)).toBeVisible();
  };
  await add('one');
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('4');
  await add('two');
  // Held, so that a quick machine does not paint them before they are put in order.
  await page.getByRole('button', { name: 'Hold the queue' }).click();
  for (const word of ['three', 'four', 'five']) await add(word);
  await item(page, 'five').getByRole('button', { name: 'Move up' }).click();
  await expect(item(page, 'five')).toContainText('3 ·');
  await item(page, 'three').getByRole('button', { name: 'Cancel' }).click();
  await expect(item(page, 'three')).toHaveCount(0);
  await page.getByRole('button', { name: 'Go on with the queue' }).click();
  await expect(pictures(page)).toHaveCount(4, { timeout: 200_000 });
  const names = await pictures(page).evaluateAll((items) =>
    items.map((each) => each.getAttribute('aria-label')),
  );
  expect(names).toEqual(['a boat, four', 'a boat, five', 'a boat, two', 'a boat, one']);
});

test('kill −9 of the engine mid-job: the job runs again by itself', async ({ page, studio }) => {
  await open(page, studio, 60);
  await generate(page).click();
  await stepping(page);
  const killed = studio.engines();
  expect(killed).not.toEqual([]);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await expect(page.getByRole('region', { name: 'Messages' })).toContainText('It was started again');
  await expect(pictures(page)).toHaveCount(1, { timeout: 180_000 });
  await expect(queue(page)).toHaveCount(0);
  expect(studio.engines().filter((pid) => killed.includes(pid))).toEqual([]);
});

test('kill −9 of the server mid-job: after a reload nothing is lost', async ({ page, studio }) => {
  await open(page, studio, 2);
  await makePicture(page);
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('100');
  await prompt.fill('a boat, cut short');
  await generate(page).click();
  await stepping(page);
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('2');
  await prompt.fill('a boat, waiting');
  await generate(page).click();
  await expect(item(page, 'waiting')).toBeVisible();
  await expect(status(page)).toContainText('all saved');
  const engines = studio.engines();
  await studio.crash();
  await expect(page.getByRole('alert')).toContainText('does not answer');
  await expect.poll(() => engines.filter(isAlive), 'an engine without a studio ends').toEqual([]);

  await studio.restart();
  await page.reload();
  await expect(prompt).toHaveValue('a boat, waiting');
  // The one that waited is painted now; the one that ran says that it was interrupted, and goes on when asked.
  await expect(pictures(page)).toHaveCount(2, { timeout: 180_000 });
  await item(page, 'cut short').getByRole('button', { name: 'Continue' }).click();
  await expect(pictures(page)).toHaveCount(3, { timeout: 180_000 });
  await expect(queue(page)).toHaveCount(0);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the unfolded queue says how long all of it takes, and is folded where it was unfolded', async ({
  page,
  studio,
}) => {
  await open(page, studio, 4);
  await makePicture(page);
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('400');
  await generate(page).click();
  await stepping(page);
  const left = (text: string | null) => {
    const [, count, unit] = /(\d+) (s|min) left/.exec(text ?? '') ?? [];
    return Number(count) * (unit === 'min' ? 60 : 1);
  };
  for (const word of ['one', 'two']) {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(`a boat, ${word}`);
    await generate(page).click();
    await expect(item(page, word)).toBeVisible();
  }
  const place = (await page.getByRole('button', { name: 'Unfold the queue' }).boundingBox())!;
  await page.mouse.click(place.x + place.width / 2, place.y + place.height / 2);
  const panel = page.getByRole('region', { name: 'All jobs' });
  await expect
    .poll(async () => left(await panel.locator('.help').first().textContent()))
    .toBeGreaterThan(left(await status(page).locator('.status-step').textContent()));
  // It lies over the history alone.
  const history = (await page.getByRole('complementary', { name: 'History' }).boundingBox())!;
  expect((await panel.boundingBox())!.x).toBeGreaterThan(history.x);
  await page.mouse.click(place.x + place.width / 2, place.y + place.height / 2);
  await expect(panel).toHaveCount(0);
});

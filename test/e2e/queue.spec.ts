/** The queue, and what survives when engine or server are killed. */
import { expect, generate, open, pictures, test } from './studio.ts';

const queue = (page: import('@playwright/test').Page) =>
  page.getByRole('list', { name: 'Queue' }).getByRole('listitem');

test('five jobs: reorder, cancel, the rest is painted in order', async ({ page, studio }) => {
  await open(page, studio, 12);
  for (const word of ['one', 'two', 'three', 'four', 'five']) {
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(`a boat, ${word}`);
    await generate(page).click();
    await expect(queue(page).filter({ hasText: word }).or(queue(page).first())).not.toHaveCount(0);
  }
  const item = (word: string) =>
    page.getByRole('list', { name: 'Queue' }).getByRole('listitem', { name: word });
  await item('five').getByRole('button', { name: 'Move up' }).click();
  await expect(item('five')).toContainText('3 ·');
  await item('three').getByRole('button', { name: 'Cancel' }).click();
  await expect(item('three')).toHaveCount(0);
  await expect(pictures(page)).toHaveCount(4, { timeout: 200_000 });
  const names = await pictures(page).evaluateAll((items) =>
    items.map((each) => each.getAttribute('aria-label')),
  );
  expect(names).toEqual(['a boat, four', 'a boat, five', 'a boat, two', 'a boat, one']);
});

test('kill −9 of the engine, then of the server: the job says so, nothing is lost', async ({
  page,
  studio,
}) => {
  await open(page, studio, 3);
  await generate(page).click();
  await expect(pictures(page)).toHaveCount(1, { timeout: 120_000 });
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('60');
  await generate(page).click();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(page.getByRole('status')).toContainText(/step [1-9]/, { timeout: 60_000 });
  for (const pid of studio.engines()) process.kill(pid, 'SIGKILL');
  await expect(page.getByRole('status')).toContainText(/step [1-9]|interrupted|failed/, { timeout: 60_000 });

  await page.getByRole('textbox', { name: 'Negative prompt' }).fill('before the crash');
  await expect(page.getByRole('status')).toContainText('all saved');
  await studio.crash();
  await expect(page.getByRole('alert')).toContainText('does not answer');
  await studio.restart();
  await page.reload();
  await expect(pictures(page)).toHaveCount(1, { timeout: 60_000 });
  await expect(page.getByRole('textbox', { name: 'Negative prompt' })).toHaveValue('before the crash');
  await expect(queue(page).first()).toBeVisible();
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('2');
  await expect(generate(page)).toBeEnabled();
});

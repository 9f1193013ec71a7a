/** The library kept tidy: files that are there twice, models nobody used, copies and deleted pictures that take space. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, makePicture, open, type Page, pictures, test } from './studio.ts';

const STARTER = join(import.meta.dirname, '..', '..', 'starter');

async function openUpkeep(page: Page): Promise<void> {
  await page.keyboard.press('Control+l');
  await page.getByRole('tab', { name: 'Disk space' }).click();
  await expect(page.getByRole('region', { name: 'What takes how much' })).toBeVisible();
}

test('a file that is there twice is found, and one of the two goes to the bin', async ({ page, studio }) => {
  const folder = join(studio.data, 'more models');
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, 'the same cat.safetensors');
  copyFileSync(join(STARTER, 'little-world-cat.safetensors'), copy);
  await open(page, studio, 0);
  await page.keyboard.press('Control+l');
  await page.getByRole('tab', { name: 'Folders' }).click();
  await page.getByRole('textbox', { name: 'Folder' }).fill(folder);
  await page.getByRole('button', { name: 'Add folder' }).click();
  await expect(page.getByRole('list', { name: 'Folders' }).getByText(folder)).toBeVisible();
  await page.keyboard.press('Escape');
  await openUpkeep(page);
  const places = page.getByRole('list', { name: /^Places of / });
  // Both are hashed in the background.
  await expect(places.getByRole('listitem')).toHaveCount(2, { timeout: 120_000 });
  await places.getByRole('button', { name: `Move to bin: ${copy}` }).click();
  await places.getByRole('button', { name: 'Really move it' }).click();
  await expect(page.getByText('No file is there twice.')).toBeVisible();
  expect(existsSync(copy)).toBe(false);
});

test('copies and deleted pictures are removed where they are listed; what was used is not called unused', async ({
  page,
  studio,
}) => {
  writeFileSync(join(studio.data, 'cache', 'old.int8.safetensors'), Buffer.alloc(5e6));
  await open(page, studio, 2);
  await openUpkeep(page);
  const unused = page.getByRole('list', { name: 'Models not used' });
  await expect(unused.getByText('little-world', { exact: true })).toBeVisible();
  const disk = page.getByRole('region', { name: 'What takes how much' });
  await disk.getByRole('button', { name: 'Delete: Copies for faster products' }).click();
  await disk.getByRole('button', { name: 'Delete, make again later' }).click();
  await expect(disk.getByText('Copies for faster products')).toHaveCount(0);
  expect(existsSync(join(studio.data, 'cache', 'old.int8.safetensors'))).toBe(false);
  await page.keyboard.press('Escape');
  await makePicture(page);
  await pictures(page).first().getByRole('button').click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(pictures(page)).toHaveCount(0);
  await openUpkeep(page);
  await expect(unused.getByText('little-world', { exact: true })).toHaveCount(0);
  await expect(disk.getByText('Deleted pictures (1)')).toBeVisible();
  await disk.getByRole('button', { name: 'Empty the bin' }).click();
  await disk.getByRole('button', { name: 'Delete for good' }).click();
  await expect(disk.getByText(/Deleted pictures/)).toHaveCount(0);
});

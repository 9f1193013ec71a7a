/** Files dropped on the window in a browser: models, pictures, projects; wrong ones are named, with what to do next, and not kept. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  drop,
  expect,
  generate,
  makePicture,
  open,
  type Page,
  pictures,
  type Studio,
  test,
} from './studio.ts';

const STARTER = join(import.meta.dirname, '..', '..', 'starter');
const LORA = readFileSync(join(STARTER, 'little-world-woodcut.safetensors'));
const WEB_PAGE = Buffer.from(
  '<!doctype html>\n<html><title>Sign in to download</title><body>Please sign in.</body></html>',
);

const messages = (page: Page) => page.getByRole('region', { name: 'Messages' });

/** Uploads that still wait in the data folder. */
function waiting({ data }: Studio): string[] {
  const outbox = join(data, 'outbox');
  return existsSync(outbox) ? readdirSync(outbox).filter((name) => name.startsWith('incoming-')) : [];
}

test('a LoRA dropped on the window is described, taken into the library, and used', async ({
  page,
  studio,
}) => {
  await open(page, studio, 2);
  await drop(page, 'my-woodcut.safetensors', '', LORA);
  const dialog = page.getByRole('dialog', { name: 'Add a model' });
  await expect(dialog).toContainText('my-woodcut.safetensors');
  await expect(dialog).toContainText('LoRA');
  await expect(dialog).toContainText(/Works with .*little.world/i);
  await dialog.getByRole('button', { name: 'Add to the library' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(messages(page)).not.toContainText('my-woodcut');
  await page.getByRole('button', { name: 'Add LoRA' }).click();
  await page.getByRole('menuitem', { name: /my-woodcut/ }).click();
  await expect(page.getByRole('slider', { name: 'Weight of my-woodcut' })).toBeVisible();
  await makePicture(page);
});

for (const [what, name, bytes, says] of [
  ['a web page under a model’s name', 'page.safetensors', WEB_PAGE, /^page\.safetensors: this is a web page, not a model\. Download the file itself, not its page/],
  ['a download that broke off', 'half.safetensors', LORA.subarray(0, LORA.length / 2), /^half\.safetensors: .*Download or copy the file again/],
  ['a download that broke off in its header', 'start.safetensors', LORA.subarray(0, 200), /^start\.safetensors: .*truncated or not a safetensors file\. Download or copy the file again/],
] as const) // biome-ignore format: one line a file
  test(`${what} is refused by name, with the next step, and not kept`, async ({ page, studio }) => {
    await open(page, studio, 0);
    await drop(page, name, '', Buffer.from(bytes));
    const message = messages(page).getByRole('alert');
    await expect(message.locator('p').first()).toHaveText(says);
    await expect(message).toContainText('Nothing was added to the library.');
    await expect(message.getByText('Details')).toHaveCount(0);
    await expect(page.getByRole('dialog')).toHaveCount(0);
    expect(waiting(studio)).toEqual([]);
    await expect(generate(page)).toBeEnabled();
  });

test('a large file shows how far it is, and is stopped by closing its message', async ({ page, studio }) => {
  await open(page, studio, 0);
  const network = await page.context().newCDPSession(page);
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 };
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', slow);
  await drop(page, 'large.safetensors', '', Buffer.concat([LORA, Buffer.alloc(8_000_000)]));
  await expect(messages(page)).toContainText(/Taking in large\.safetensors…\s*\d+ %, \d+ s left/);
  await messages(page).getByRole('button', { name: 'Dismiss' }).click();
  await expect(messages(page)).not.toContainText('large.safetensors');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect.poll(() => waiting(studio)).toEqual([]);
});

test('files that are no pictures, models or projects are named, with what to drop instead', async ({
  page,
  studio,
}) => {
  await open(page, studio, 0);
  await drop(page, 'broken.png', 'image/png', Buffer.from('not a picture'));
  await expect(messages(page)).toContainText('broken.png');
  await drop(page, 'notes.doc', 'application/msword', Buffer.from('words'));
  await expect(messages(page)).toContainText('notes.doc is neither a picture nor a model.');
  await expect(messages(page)).toContainText('.safetensors or .emulsion');
  await drop(page, 'depth.onnx', '', Buffer.from('onnx'));
  await expect(messages(page)).toContainText('“preprocessors”');
});

test('a project saved in one studio opens when it is dropped; a damaged one says so', async ({
  page,
  studio,
}) => {
  await open(page, studio, 2);
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await prompt.fill('a green cactus, saved');
  await makePicture(page);
  await page.getByRole('button', { name: 'Accept' }).click();
  const saved = page.waitForEvent('download');
  await page.keyboard.press('Control+s');
  const bytes = readFileSync(await (await saved).path());
  await prompt.fill('something else');
  await expect(page.getByRole('status')).toContainText('all saved');

  await drop(page, 'half.emulsion', '', bytes.subarray(0, bytes.length / 2));
  await expect(messages(page)).toContainText('half.emulsion is not a project of this studio, or is damaged.');
  await expect(prompt).toHaveValue('something else');
  await drop(page, 'page.emulsion', '', WEB_PAGE);
  await expect(messages(page)).toContainText('page.emulsion is not a project of this studio');

  await drop(page, 'saved.emulsion', '', bytes);
  await expect(prompt).toHaveValue('a green cactus, saved');
  await page.getByRole('tab', { name: 'Edit' }).click();
  await expect(page.getByRole('button', { name: 'Layers 1' })).toBeVisible();
  await expect(pictures(page)).toHaveCount(1);
  expect(waiting(studio)).toEqual([]);
});

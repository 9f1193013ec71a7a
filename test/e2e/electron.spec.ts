/** The desktop app itself, where Electron's binary is there. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, expect, test } from '@playwright/test';

const ROOT = join(import.meta.dirname, '..', '..');
const NOTE = join(ROOT, 'node_modules', 'electron', 'path.txt');
const binary = existsSync(NOTE) && existsSync(join(NOTE, '..', 'dist', readFileSync(NOTE, 'utf8')));

test.skip(!binary, "Electron's binary is not installed");
test.skip(!existsSync(join(ROOT, 'out', 'main', 'main.js')), 'the app is not built: electron-vite build');

test('the app opens its window, sandboxed and kept at home, and paints', async () => {
  const data = mkdtempSync(join(tmpdir(), 'emulsion-electron-'));
  const app = await _electron.launch({
    args: [ROOT, '--no-sandbox'],
    env: { ...process.env, EMULSION_DATA: data } as Record<string, string>,
  });
  const page = await app.firstWindow();
  const refused: string[] = [];
  page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  expect(page.url()).toBe('emulsion://studio/index.html');
  const generate = page.getByRole('button', { name: 'Generate' });
  await expect(generate).toBeEnabled();
  expect(await page.evaluate(() => 'require' in window || 'process' in window)).toBe(false);
  expect(await page.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
  await page.evaluate(() => {
    window.location.href = 'https://example.org/';
  });
  expect(refused.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  await page.getByRole('spinbutton', { name: 'Steps' }).fill('2');
  await generate.click();
  await expect(page.getByRole('list', { name: 'Pictures' }).getByRole('listitem')).toHaveCount(1, {
    timeout: 180_000,
  });
  expect(page.url()).toBe('emulsion://studio/index.html');
  expect(app.windows()).toHaveLength(1);
  await app.close();
  rmSync(data, { recursive: true, force: true });
});

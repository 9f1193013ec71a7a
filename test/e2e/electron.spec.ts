/** The desktop app itself, where Electron's binary is there. */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, expect, test } from '@playwright/test';

const ROOT = join(import.meta.dirname, '..', '..');
const NOTE = join(ROOT, 'node_modules', 'electron', 'path.txt');
const binary = existsSync(NOTE) && existsSync(join(NOTE, '..', 'dist', readFileSync(NOTE, 'utf8')));

test.skip(!binary, "Electron's binary is not installed");
test.skip(!existsSync(join(ROOT, 'out', 'main', 'main.js')), 'the app is not built: electron-vite build');

test('the app opens its window, sandboxed, and shows the starter', async () => {
  const data = mkdtempSync(join(tmpdir(), 'emulsion-electron-'));
  const app = await _electron.launch({
    args: [ROOT, '--no-sandbox'],
    env: { ...process.env, EMULSION_DATA: data } as Record<string, string>,
  });
  const page = await app.firstWindow();
  expect(page.url()).toBe('emulsion://studio/index.html');
  await expect(page.getByRole('button', { name: 'Generate' })).toBeEnabled({ timeout: 60_000 });
  expect(await page.evaluate(() => 'require' in window || 'process' in window)).toBe(false);
  await app.close();
});

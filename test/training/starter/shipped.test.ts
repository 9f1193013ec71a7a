import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importPart, STARTER_FILES } from '../../../main/training/starter/importer.ts';
import { loadParameters } from '../../../main/training/starter/loop/store.ts';
import { takeShipped } from '../../../main/training/starter/shipped.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

test('the shipped weights stand for what is not there, and for nothing else', async () => {
  const folder = temporaryFolder();
  for (const own of ['clip', 'clip-vision', 'vae']) writeFileSync(join(folder, `${own}.safetensors`), own);
  await takeShipped('starter', folder);
  expect(readdirSync(folder).sort()).toEqual(
    ['clip', 'clip-vision', 'unet', 'vae', 'vae-decoder'].map((name) => `${name}.safetensors`).sort(),
  );
  const decoder = loadParameters(join(folder, 'vae-decoder.safetensors'));
  expect(decoder.flat).toEqual(importPart(STARTER_FILES.checkpoint, 'first_stage_model.').flat);
  expect(() => loadParameters(join(folder, 'vae.safetensors'))).toThrow(); // its own was left alone
});

test('nothing else can be taken', async () => {
  await expect(takeShipped('elsewhere', temporaryFolder())).rejects.toThrow(/--from takes "starter"/);
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFolders } from '../../main/library/trees.ts';
import { tempFolder } from '../helpers/tempFolder.ts';

function made(...folders: string[]): string {
  const root = tempFolder();
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  return root;
}

test('a ComfyUI root or its models folder gives one folder per type', () => {
  const root = made('models/checkpoints', 'models/loras', 'models/upscale_models', 'models/unknown_kind');
  const expected = [
    { path: join(root, 'models/checkpoints'), layout: 'comfyui', expected: 'checkpoint' },
    { path: join(root, 'models/loras'), layout: 'comfyui', expected: 'lora' },
    { path: join(root, 'models/upscale_models'), layout: 'comfyui', expected: 'upscaler' },
  ];
  expect(findFolders(root, 'auto')).toEqual(expected);
  expect(findFolders(join(root, 'models'), 'auto')).toEqual(expected);
});

test('extra_model_paths.yaml adds folders, with lists over several lines', () => {
  const root = made('models/checkpoints', 'models/vae', 'elsewhere/ck', 'elsewhere/more', 'elsewhere/Lora');
  writeFileSync(
    join(root, 'extra_model_paths.yaml'),
    `a111:\n  base_path: ${join(root, 'elsewhere')}\n  checkpoints: |\n    ck\n    more\n    missing\n  loras: Lora\n  is_default: true\nempty:\n`,
  );
  const paths = findFolders(root, 'comfyui').map(({ path, expected }) => [path, expected]);
  expect(paths).toContainEqual([join(root, 'elsewhere/ck'), 'checkpoint']);
  expect(paths).toContainEqual([join(root, 'elsewhere/more'), 'checkpoint']);
  expect(paths).toContainEqual([join(root, 'elsewhere/Lora'), 'lora']);
  expect(paths).toHaveLength(5);
});

test('an A1111 root is known by models/Stable-diffusion', () => {
  const root = made('models/Stable-diffusion', 'models/Lora', 'embeddings');
  expect(findFolders(root, 'auto').map(({ layout, expected }) => `${layout} ${expected}`)).toEqual([
    'a1111 checkpoint',
    'a1111 lora',
    'a1111 embedding',
  ]);
});

test('any other folder is plain; a wrong layout and a missing folder say so', () => {
  const root = made('stuff');
  expect(findFolders(root, 'auto')).toEqual([{ path: root, layout: 'plain', expected: null }]);
  expect(() => findFolders(root, 'comfyui')).toThrow(/does not look like a ComfyUI folder/);
  expect(() => findFolders(join(root, 'nowhere'), 'auto')).toThrow(/There is no folder/);
  writeFileSync(join(root, 'extra_model_paths.yaml'), '{ broken: [');
  expect(() => findFolders(root, 'comfyui')).toThrow(/not readable YAML/);
});

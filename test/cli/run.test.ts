import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { decodePixels } from '../../main/images/codec.ts';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { emulsion } from '../helpers/emulsion.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const SIZE = ['--width', '64', '--height', '64', '--steps', '2', '--seed', '5'];

test('a picture is made again from the graph it carries, found in a ComfyUI folder', async () => {
  const folder = tempFolder();
  const made = await emulsion([
    'generate',
    'a cat',
    '--checkpoint',
    TINY_CHECKPOINT,
    ...SIZE,
    '--out',
    join(folder, 'a'),
  ]);
  const picture = made.stdout.trim();
  const models = join(folder, 'ComfyUI', 'models');
  mkdirSync(join(models, 'checkpoints', 'sub'), { recursive: true });
  mkdirSync(join(models, 'loras'));
  copyFileSync(TINY_CHECKPOINT, join(models, 'checkpoints', 'sub', basename(TINY_CHECKPOINT)));
  const run = await emulsion([
    'run',
    picture,
    '--models',
    join(folder, 'ComfyUI'),
    '--out',
    join(folder, 'b'),
    '--json',
  ]);
  expect(run.stderr).not.toMatch(/emulsion:/);
  const { files } = JSON.parse(run.stdout) as { files: { file: string; node: string }[] };
  expect(basename(files[0]!.file)).toBe('Emulsion_00001_.png');
  expect((await decodePixels(files[0]!.file)).data).toEqual((await decodePixels(picture)).data);
  const graph = (await readImageMetadata(files[0]!.file)).raw['prompt'];
  expect(graph).toBe((await readImageMetadata(picture)).raw['prompt']);
});

test('--speed stands in the graph that the pictures carry, and in their second run', async () => {
  const folder = tempFolder();
  const [first, second] = [join(folder, 'a'), join(folder, 'b')];
  const made = await emulsion([
    ...['generate', 'a cat', '--checkpoint', TINY_CHECKPOINT, ...SIZE],
    ...['--out', join(folder, 'made')],
  ]);
  const models = ['--models', dirname(TINY_CHECKPOINT)];
  const run = await emulsion(['run', made.stdout.trim(), ...models, '--speed', 'draft', '--out', first]);
  const picture = run.stdout.trim();
  const graph = (await readImageMetadata(picture)).raw['prompt']!;
  expect(graph).toContain('"speed": "draft"');
  const again = await emulsion(['run', picture, ...models, '--out', second]);
  expect((await decodePixels(again.stdout.trim())).data).toEqual((await decodePixels(picture)).data);
  expect((await readImageMetadata(again.stdout.trim())).raw['prompt']).toBe(graph);
});

test('pictures beside the workflow, and a prefix that would leave the folder', async () => {
  const folder = tempFolder();
  copyFileSync(
    join(import.meta.dirname, '..', 'golden', 'cfg-txt2img-e2e', 'image.png'),
    join(folder, 'in.png'),
  );
  const graph = {
    '1': { class_type: 'LoadImage', inputs: { image: 'in.png [input]' } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: '../../evil' } },
  };
  const file = join(folder, 'workflow.json');
  writeFileSync(file, JSON.stringify(graph));
  const { code, stdout } = await emulsion(['run', file, '--out', join(folder, 'out')]);
  expect(code).toBe(0);
  expect(stdout.trim()).toBe(join(folder, 'out', 'evil_00001_.png'));
  expect(existsSync(join(folder, '..', '..', 'evil_00001_.png'))).toBe(false);
  expect(readFileSync(stdout.trim()).length).toBeGreaterThan(100);
});

test.each([
  ['no file', undefined, /no such file/],
  ['no JSON', 'hello', /no JSON/],
  ['no graph', '[]', /no workflow/],
  [
    'a model that is nowhere',
    JSON.stringify({
      '1': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'nowhere.safetensors' } },
      '2': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['1', 2] } },
      '3': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 1 } },
      '4': { class_type: 'SaveImage', inputs: { images: ['2', 0] } },
    }),
    /nowhere\.safetensors/,
  ],
])('%s: one line, exit code 2', async (_name, content, message) => {
  const folder = tempFolder();
  const file = join(folder, 'workflow.json');
  if (content !== undefined) writeFileSync(file, content);
  const { code, stderr } = await emulsion(['run', file, '--out', join(folder, 'out')]);
  expect(code).toBe(2);
  expect(stderr.trim().split('\n').at(-1)).toMatch(message);
});

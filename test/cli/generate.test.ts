/** The command line paints: pictures, metadata, repetition, image-to-image, inpainting, outpainting of the kept pixels. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodePixels, encodePixels } from '../../main/images/codec.ts';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { emulsion, temporaryFolder } from '../helpers/emulsion.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const COMMON = [
  '--checkpoint',
  TINY_CHECKPOINT,
  '--width',
  '128',
  '--height',
  '64',
  '--steps',
  '3',
  '--json',
];

async function generate(out: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await emulsion(['generate', ...COMMON, '--out', out, ...args]);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { files: string[] }).files;
}

test('a batch carries its settings, and any picture of it repeats bit for bit from its metadata', async () => {
  using folder = temporaryFolder();
  const files = await generate(
    folder.path,
    'a (cat:1.2)',
    '--seed',
    '5',
    '--batch',
    '2',
    '--sampler',
    'dpmpp_2m_sde',
    '--schedule',
    'karras',
    '--speed',
    'fast',
  );
  expect(files).toHaveLength(2);
  const metadata = await readImageMetadata(files[1]!);
  expect(metadata).toMatchObject({
    source: 'emulsion',
    request: { prompt: 'a (cat:1.2)', seed: '5', sampler: 'dpmpp_2m_sde', speed: 'fast' },
  });
  expect(metadata.raw['parameters']).toContain('Seed: 6, Size: 128x64');
  expect(metadata.raw['parameters']).toContain('Speed: fast');
  expect(JSON.parse(metadata.raw['prompt']!)).toHaveProperty('1.class_type', 'CheckpointLoaderSimple');
  const out = join(folder.path, 'again');
  const repeated = await emulsion(['generate', '--from', files[1]!, '--out', out, '--json']);
  const [copy] = (JSON.parse(repeated.stdout) as { files: string[] }).files;
  expect(readFileSync(copy!).equals(readFileSync(files[1]!))).toBe(true);
});

test('denoising strength 0 gives the picture back, 1 is text-to-image', async () => {
  using folder = temporaryFolder();
  const [source] = await generate(folder.path, 'a cat', '--seed', '1');
  const [unguided] = await generate(folder.path, 'a dog', '--seed', '2');
  const at = async (strength: string): Promise<Uint8Array> => {
    const [file] = await generate(
      folder.path,
      'a dog',
      '--seed',
      '2',
      '--init',
      source!,
      '--strength',
      strength,
    );
    return (await decodePixels(file!)).data;
  };
  const original = (await decodePixels(source!)).data;
  expect(await at('0')).toEqual(original);
  expect(await at('1')).toEqual((await decodePixels(unguided!)).data);
  expect(await at('0.5')).not.toEqual(original);
});

test.each(['whole picture', 'only masked'])(
  'inpainting (%s) leaves every byte outside the mask alone',
  async (area) => {
    using folder = temporaryFolder();
    const [width, height] = [200, 120];
    const photo = join(folder.path, 'photo.png');
    const mask = join(folder.path, 'mask.png');
    const noise = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251);
    const marked = (i: number): boolean =>
      i % width > 60 && i % width < 120 && i > 40 * width && i < 90 * width;
    const grey = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      marked(Math.floor(i / 3)) ? 255 : 0,
    );
    writeFileSync(photo, await encodePixels(pixelsOf(noise, width, height, 3), 'png'));
    writeFileSync(mask, await encodePixels(pixelsOf(grey, width, height, 3), 'png'));
    const args = [
      '--init',
      photo,
      '--mask',
      mask,
      '--mask-blur',
      '0',
      '--strength',
      '1',
      '--inpaint-area',
      area,
    ];
    const [file] = await generate(folder.path, 'a cat', '--seed', '3', ...args);
    const result = await decodePixels(file!);
    expect([result.width, result.height]).toEqual([width, height]);
    const changed = result.data.reduce(
      (count, value, i) => count + Number(value !== noise[i] && marked(Math.floor(i / 3))),
      0,
    );
    const leaked = result.data.reduce(
      (count, value, i) => count + Number(value !== noise[i] && !marked(Math.floor(i / 3))),
      0,
    );
    expect(leaked).toBe(0);
    expect(changed).toBeGreaterThan(1000);
  },
);

test('LoRAs are named on the command line with their weights, and counted', async () => {
  using folder = temporaryFolder();
  const lora = join(GOLDEN_DIR, 'lora', 'lora_kohya_a.safetensors');
  const args = ['generate', 'a cat', ...COMMON, '--out', folder.path, '--lora', `${lora}:0.8:0.6`, lora];
  const { code, stdout } = await emulsion(args);
  expect(code).toBe(0);
  const { files, notes } = JSON.parse(stdout) as { files: string[]; notes: string[] };
  expect(notes.filter((note) => /applied \d+ of \d+ tensors/.test(note)).length).toBeGreaterThan(0);
  const { request } = await readImageMetadata(files[0]!);
  expect(request.loras?.map(({ unetWeight, textWeight }) => [unetWeight, textWeight])).toEqual([
    [0.8, 0.6],
    [1, 1],
  ]);
});

test('several controls each have their own settings; one setting given once is for all', async () => {
  using folder = temporaryFolder();
  const control = join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors');
  const [first, second] = ['hint_0.png', 'hint_1.png'].map((name) => join(GOLDEN_DIR, 'controlnet', name));
  const [file] = await generate(
    folder.path,
    'a cat',
    '--steps',
    '1',
    '--control',
    control,
    control,
    '--control-image',
    first!,
    second!, // biome-ignore format: one line an option
    '--preprocessor',
    'canny',
    '--preprocessor-option',
    'low=50',
    'high=150',
    '--control-weight',
    '0.5',
    '0.8',
    '--control-end',
    '0.7',
    '--control-priority',
    'balanced',
    'control',
  );
  const { request } = await readImageMetadata(file!);
  const shared = { preprocessor: 'canny', preprocessorOptions: { low: 50, high: 150 }, endFraction: 0.7 };
  expect(request.controls).toMatchObject([
    { image: { path: first }, weight: 0.5, priority: 'balanced', ...shared },
    { image: { path: second }, weight: 0.8, priority: 'control', ...shared },
  ]);
});

test('shortcuts are recorded with the picture, and repeated from it', async () => {
  using folder = temporaryFolder();
  const args = ['--steps', '8', '--guidance-interval', '0.2:10', '--deep-bound', '0.9', '--seed', '4'];
  const [file] = await generate(folder.path, 'a cat', ...args);
  const { request, raw } = await readImageMetadata(file!);
  expect(request.shortcuts).toEqual({
    guidanceInterval: { low: 0.2, high: 10 },
    negativeBound: 0,
    deepBound: 0.9,
  });
  expect(raw['parameters']).toContain('Guidance interval: 0.2 to 10, Negative bound: 0, Deep bound: 0.9');
  const again = await emulsion(['generate', '--from', file!, '--out', join(folder.path, 'again'), '--json']);
  const [copy] = (JSON.parse(again.stdout) as { files: string[] }).files;
  expect(readFileSync(copy!).equals(readFileSync(file!))).toBe(true);
  const bad = await emulsion(['generate', 'a cat', ...COMMON, '--guidance-interval', '9:2']);
  expect(bad.stderr).toContain('an interval goes from the lower sigma to the higher');
});

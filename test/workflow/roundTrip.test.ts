import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodePixels } from '../../main/images/codec.ts';
import { type ComfyGraphOptions, comfyGraph } from '../../main/images/comfy/exportGraph.ts';
import { type ComfyGraph, parsePythonJson, pythonJson } from '../../main/images/comfy/graph.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';
import { bench, TINY_FILES } from '../helpers/workflows.ts';

const engine = bench();
afterAll(() => engine.host.release());

/** A photograph's worth of structure: gradients, an edge, a disc. */
async function photo(folder: string, name: string, width = 128, height = 64): Promise<string> {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const inDisc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2;
    data.set([(255 * x) / width, (255 * y) / height, inDisc ? 240 : 40], i * 3);
  }
  return pictureFile(folder, name, data, width, height);
}

/** White in a rectangle, black around it. */
async function mask(folder: string, name: string, width = 128, height = 64): Promise<string> {
  const data = new Uint8Array(width * height * 3);
  for (let y = height / 4; y < height / 2; y++) data.fill(255, (y * width + 24) * 3, (y * width + 72) * 3);
  return pictureFile(folder, name, data, width, height);
}

async function pictureFile(
  folder: string,
  name: string,
  data: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
) {
  const path = join(folder, name);
  writeFileSync(path, await encodePixels(pixelsOf(data, width, height, 3), 'png'));
  return path;
}

function smallRequest(overrides: Readonly<Record<string, unknown>> = {}): GenerationRequest {
  return tinyRequest({ width: 128, height: 64, ...overrides });
}

/** The graph as a PNG carries it: Python's JSON, read again. */
function carried(graph: ComfyGraph): unknown {
  return parsePythonJson(pythonJson(graph));
}

/** How far the workflow's pictures are from the app's: the largest difference of any byte. */
async function difference(
  request: GenerationRequest,
  options: ComfyGraphOptions = {},
  expected?: number,
): Promise<number> {
  const painted = await engine.generate(request);
  const files = {
    ...TINY_FILES,
    input: Object.fromEntries(
      [
        'initImage' in request ? request.initImage : undefined,
        'mask' in request ? request.mask : undefined,
      ].flatMap((image) => (image?.path ? [[basename(image.path), image.path]] : [])),
    ),
  };
  const { images } = await engine.run(carried(comfyGraph(request, options)), files);
  const wanted = options.batchIndex === undefined ? painted : [painted[options.batchIndex]!];
  expect(images).toHaveLength(expected ?? wanted.length);
  let largest = 0;
  for (const [i, { image }] of images.entries()) {
    const { width, height, data } = wanted[i]!;
    expect([image.width, image.height]).toEqual([width, height]);
    for (let at = 0; at < data.length; at++)
      largest = Math.max(largest, Math.abs(data[at]! - image.data[at]!));
  }
  return largest;
}

test.each([
  ['as it is', {}],
  [
    'with a negative prompt, weights and another sampler',
    {
      prompt: 'a (red:1.3) boat, [sea]',
      negativePrompt: 'blurry',
      sampler: 'dpmpp_2m',
      schedule: 'karras',
      guidanceScale: 5,
    },
  ],
  ['clip skip', { clipSkip: 2 }],
  ['ancestral noise', { sampler: 'euler_ancestral', seed: '18446744073709551615' }],
  ['Brownian noise', { sampler: 'dpmpp_sde', schedule: 'exponential' }],
  [
    "A1111's noise, emphasis and prompt editing",
    {
      rng: 'nv',
      emphasis: 'a1111',
      prompt: 'a [cat:(dog:1.2):0.5] BREAK sea',
      sampler: 'euler_ancestral',
    },
  ],
  ['guidance 1', { guidanceScale: 1 }],
  ['a prompt of three chunks', { prompt: 'a red boat on the sea '.repeat(40) }],
])('text to image: %s', async (_name, overrides) => {
  expect(await difference(smallRequest(overrides))).toBe(0);
});

test('a batch from one draw, and one picture of a batch whose seeds increment', async () => {
  expect(await difference(smallRequest({ batch: 2, batchSeeds: 'batch' }))).toBe(0);
  expect(await difference(smallRequest({ batch: 2 }), { batchIndex: 1 })).toBeLessThanOrEqual(1);
});

test.each([
  ["diffusers' rule", { denoisingStrength: 0.6, stepRule: 'diffusers' }],
  ["ComfyUI's rule", { denoisingStrength: 0.6, stepRule: 'comfy' }],
  ["A1111's rule", { denoisingStrength: 0.6, stepRule: 'a1111' }],
  ['full strength', { denoisingStrength: 1 }],
  ['DDIM', { denoisingStrength: 0.6, sampler: 'ddim' }],
  ['a batch', { denoisingStrength: 0.7, batch: 2, batchSeeds: 'batch' }],
])('image to image: %s', async (_name, overrides) => {
  const initImage = { path: await photo(tempFolder(), 'photo.png') };
  expect(await difference(smallRequest({ kind: 'image-to-image', initImage, steps: 5, ...overrides }))).toBe(
    0,
  );
});

test('image to image from a picture of another shape', async () => {
  const initImage = { path: await photo(tempFolder(), 'wide.png', 330, 100) };
  expect(await difference(smallRequest({ kind: 'image-to-image', initImage, denoisingStrength: 0.6 }))).toBe(
    0,
  );
});

test.each([
  ['plain', {}],
  ['no feather', { maskBlur: 0 }],
  ['grown', { maskGrow: 9, maskBlur: 6 }],
  ['fill', { maskedContent: 'fill' }],
  ['latent noise', { maskedContent: 'latent noise' }],
  ['latent nothing', { maskedContent: 'latent nothing' }],
  ["ComfyUI's rule", { denoisingStrength: 0.5, stepRule: 'comfy' }],
])('inpainting: %s', async (_name, overrides) => {
  const folder = tempFolder();
  const pictures = {
    initImage: { path: await photo(folder, 'photo.png') },
    mask: { path: await mask(folder, 'mask.png') },
  };
  const request = smallRequest({ kind: 'inpaint', ...pictures, denoisingStrength: 1, ...overrides });
  expect(await difference(request)).toBe(0);
});

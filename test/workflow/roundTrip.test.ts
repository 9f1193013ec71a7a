import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodePixels } from '../../main/images/codec.ts';
import { type ComfyGraphOptions, comfyGraph } from '../../main/images/comfy/exportGraph.ts';
import { type ComfyGraph, parsePythonJson, pythonJson } from '../../main/images/comfy/graph.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { readTensor } from '../../native-models/weights/tensors.ts';
import type { GenerationRequest } from '../../preload/request.ts';
import { SPEED_SHORTCUTS } from '../../preload/shortcuts.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { inpaintCheckpoint, TINY_CHECKPOINT, tinyRequest } from '../helpers/tinyModel.ts';
import { bench, type Files } from '../helpers/workflows.ts';

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

/** Where the files of a request lie, under the names its graph gives them. */
function filesFor(request: GenerationRequest): Files {
  const named = (paths: readonly (string | undefined)[]) =>
    Object.fromEntries(paths.flatMap((path) => (path ? [[basename(path), path]] : [])));
  const secondPass = request.secondPass?.upscaler;
  return {
    checkpoints: named([request.checkpoint.path]),
    loras: named(request.loras.map(({ model }) => model.path)),
    vae: named([request.vae?.path]),
    controlnet: named(request.controls.map(({ model }) => model.path)),
    upscale_models: named([typeof secondPass === 'object' ? secondPass.path : undefined]),
    embeddings: Object.fromEntries(request.embeddings.map(({ name, path }) => [name, path!])),
    input: named([
      'initImage' in request ? request.initImage.path : undefined,
      'mask' in request ? request.mask.path : undefined,
      ...request.controls.map(({ image }) => image.path),
    ]),
  };
}

/** How far the workflow's pictures are from the app's: the largest difference of any byte. */
async function difference(
  request: GenerationRequest,
  options: ComfyGraphOptions = {},
  expected?: number,
): Promise<number> {
  const { images: painted, graph: made } = await engine.generate(request);
  const graph = carried(comfyGraph(request, { ...made, ...options }));
  const { images } = await engine.run(graph, filesFor(request));
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
  ["DDIM by diffusers' rule", { sampler: 'ddim', schedule: 'ddim_uniform', stepRule: 'diffusers' }],
  ['every shortcut', { steps: 8, shortcuts: SPEED_SHORTCUTS.draft }],
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

test.each([
  ['only the masked part', { inpaintArea: 'only masked', maskedPadding: 8 }],
  ['only the masked part, filled', { inpaintArea: 'only masked', maskedPadding: 8, maskedContent: 'fill' }],
  ['a batch', { batch: 2, batchSeeds: 'batch' }],
])('inpainting a picture of another size: %s', async (_name, overrides) => {
  const folder = tempFolder();
  const pictures = {
    initImage: { path: await photo(folder, 'photo.png', 200, 120) },
    mask: { path: await mask(folder, 'mask.png', 200, 120) },
  };
  const request = smallRequest({ kind: 'inpaint', ...pictures, denoisingStrength: 0.8, ...overrides });
  expect(await difference(request)).toBe(0);
});

const golden = (...path: string[]) => join(GOLDEN_DIR, ...path);
const lora = (file: string, unetWeight: number, textWeight: number) => ({
  model: { name: file, path: golden('lora', `${file}.safetensors`) },
  unetWeight,
  textWeight,
});

test('LoRAs: two at once with separate weights, one of them on convolutions', async () => {
  const loras = [lora('lora_kohya_a', 0.8, 0.6), lora('lora_kohya_locon_b', -0.5, 0)];
  expect(await difference(smallRequest({ loras }))).toBe(0);
});

test('textual inversion in either way of writing prompts', async () => {
  const name = 'tiny-a1111';
  const embeddings = [{ name, path: golden('textual-inversion', `${name}.safetensors`) }];
  expect(await difference(smallRequest({ embeddings, prompt: `a cat, embedding:${name}` }))).toBe(0);
  const a1111 = { embeddings, prompt: `a cat, (${name}:1.2)`, emphasis: 'a1111' };
  expect(await difference(smallRequest(a1111))).toBe(0);
  const plain = await engine.generate(smallRequest({ prompt: `a cat, (${name}:1.2)`, emphasis: 'a1111' }));
  expect(plain.images[0]!.data).not.toEqual((await engine.generate(smallRequest(a1111))).images[0]!.data);
});

const control = (image: string, overrides: Readonly<Record<string, unknown>> = {}) => ({
  model: { name: 'controlnet', path: golden('controlnet', 'controlnet.safetensors') },
  image: { path: image },
  ...overrides,
});

test.each([
  ['as it is', {}],
  ['for a part of the steps, by half', { weight: 0.5, endFraction: 0.6 }],
  ['Canny', { preprocessor: 'canny', preprocessorOptions: { low: 40, high: 90 } }],
  [
    'another preprocessor, prompt first',
    { preprocessor: 'blur', preprocessorOptions: { sigma: 2 }, priority: 'prompt' },
  ],
  ['control first', { priority: 'control' }],
])('ControlNet: %s', async (_name, overrides) => {
  const hint = await photo(tempFolder(), 'hint.png', 210, 140);
  expect(await difference(smallRequest({ controls: [control(hint, overrides)] }))).toBe(0);
});

test('two ControlNets while inpainting a part', async () => {
  const folder = tempFolder();
  const hint = await photo(folder, 'photo.png', 200, 120);
  const request = smallRequest({
    kind: 'inpaint',
    initImage: { path: hint },
    mask: { path: await mask(folder, 'mask.png', 200, 120) },
    denoisingStrength: 0.9,
    inpaintArea: 'only masked',
    controls: [control(hint, { weight: 0.7 }), control(hint, { preprocessor: 'canny', startFraction: 0.2 })],
  });
  expect(await difference(request)).toBe(0);
});

const SRVGG = { name: 'srvgg', path: golden('esrgan', 'srvgg.safetensors') };

test.each([
  ['latent', { upscaler: 'latent' }, {}],
  ['latent, DDIM', { upscaler: 'latent' }, { sampler: 'ddim' }],
  ['an upscaler', { upscaler: SRVGG }, {}],
  ['an upscaler, from a batch', { upscaler: SRVGG }, { batch: 2, batchSeeds: 'batch' }],
])('second pass by %s', async (_name, secondPass, overrides) => {
  const pass = { scale: 1.5, denoisingStrength: 0.6, ...secondPass };
  expect(await difference(smallRequest({ secondPass: pass, ...overrides }))).toBe(0);
});

test.each([{ upscaler: 'latent' }, { upscaler: SRVGG }])(
  'second pass while inpainting, with control: %o',
  async (enlarge) => {
    const folder = tempFolder();
    const source = await photo(folder, 'photo.png');
    const request = smallRequest({
      kind: 'inpaint',
      initImage: { path: source },
      mask: { path: await mask(folder, 'mask.png') },
      denoisingStrength: 1,
      maskedContent: 'latent noise',
      controls: [control(source, { preprocessor: 'canny' })],
      secondPass: { scale: 1.5, denoisingStrength: 0.6, ...enlarge },
    });
    expect(await difference(request)).toBe(0);
  },
);

test.each([
  ['text to image', {}],
  ['inpainting', { kind: 'inpaint', denoisingStrength: 1 }],
  [
    'inpainting in two passes',
    {
      kind: 'inpaint',
      denoisingStrength: 1,
      secondPass: { scale: 1.5, upscaler: 'latent', denoisingStrength: 0.6 },
    },
  ],
])('an inpaint model: %s', async (_name, overrides) => {
  const folder = tempFolder();
  const path = await inpaintCheckpoint(folder);
  const pictures = {
    initImage: { path: await photo(folder, 'photo.png') },
    mask: { path: await mask(folder, 'mask.png') },
  };
  const request = smallRequest({ checkpoint: { name: 'inpaint', path }, ...pictures, ...overrides });
  expect(await difference(request)).toBe(0);
});

test('a VAE file of its own', async () => {
  const path = join(tempFolder(), 'vae.safetensors');
  const tensors = [...openSafetensors(TINY_CHECKPOINT).tensors.values()]
    .filter(({ name }) => name.startsWith('first_stage_model.'))
    .map((info) => ({
      ...info,
      name: info.name.replace('first_stage_model.', ''),
      read: () => readTensor(info),
    }));
  await writeSafetensors(path, tensors);
  expect(await difference(smallRequest({ vae: { name: 'vae', path } }))).toBe(0);
});

/** Shortcuts on the starter: what each leaves out, how near the picture stays, and that nothing changes without them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { STARTER_FOLDER } from '../../../main/cli/starter.ts';
import { encodePixels } from '../../../main/images/codec.ts';
import { type Pixels, pixelsOf } from '../../../main/images/pixels.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { SPEED_SHORTCUTS } from '../../../preload/shortcuts.ts';
import {
  openStarter,
  outerShare,
  PROMPTS,
  psnr,
  starterRequest,
  workShare,
} from '../../helpers/shortcutRuns.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';
import { bench } from '../../helpers/workflows.ts';

const starter = openStarter();
afterAll(() => starter.release());
const outer = outerShare(starter.opened.config.unet, 16);

/** Mean work, and mean and worst PSNR against the exact pictures, over the first `count` prompts. */
async function compared(changes: Readonly<Record<string, unknown>>, count = 3) {
  const { speed, shortcuts, ...walk } = changes;
  const prompts = PROMPTS.slice(0, count);
  let work = 0;
  const ratios: number[] = [];
  for (const prompt of prompts) {
    const exact = await starter.paint(starterRequest(prompt, walk));
    const run = await starter.paint(starterRequest(prompt, { ...walk, speed, shortcuts }));
    work += workShare(run, exact, outer) / count;
    ratios.push(...run.pixels.map((pixels, i) => psnr(pixels, exact.pixels[i]!)));
  }
  return { work, mean: ratios.reduce((a, b) => a + b) / ratios.length, worst: Math.min(...ratios) };
}

test.each([
  ['deep features', { shortcuts: { deepBound: 0.3 } }, 0.62, 38],
  ['the negative prompt’s difference', { shortcuts: { negativeBound: 0.1 } }, 0.85, 40],
  ['guidance between two sigmas', { shortcuts: { guidanceInterval: { low: 0.3, high: 10_000 } } }, 0.96, 34],
  ['fast', { speed: 'fast' }, 0.76, 42],
  ['draft', { speed: 'draft' }, 0.6, 34],
  ['draft by another sampler', { speed: 'draft', sampler: 'dpmpp_2m', schedule: 'karras' }, 0.62, 34],
  ['draft where noise is added at every step', { speed: 'draft', sampler: 'euler_ancestral' }, 1, 28],
  ['draft by a sampler that asks twice a step', { speed: 'draft', sampler: 'heun', steps: 10 }, 0.7, 28],
])(
  '%s: less work, nearly the same picture',
  async (_name, changes, work, decibels) => {
    const found = await compared(changes);
    expect(found.work).toBeLessThan(work);
    expect(found.mean).toBeGreaterThan(decibels);
    expect(found.worst).toBeGreaterThan(28);
  },
  300_000,
);

test('the same request gives the same picture, to the bit', async () => {
  const request = starterRequest(PROMPTS[0]!, { speed: 'draft', batch: 2 });
  const [once, again] = [await starter.paint(request), await starter.paint(request)];
  expect(once).toEqual(again);
  expect(once.pixels).toHaveLength(2);
}, 100_000);

test('with every shortcut switched off the picture is the exact one, to the bit', async () => {
  const off = { deepBound: 0, negativeBound: 0, guidanceInterval: { low: 0, high: 10_000 } };
  const exact = await starter.paint(starterRequest(PROMPTS[1]!, { steps: 8 }));
  const run = await starter.paint(starterRequest(PROMPTS[1]!, { steps: 8, speed: 'draft', shortcuts: off }));
  expect(run).toEqual(exact);
}, 100_000);

test('image to image and inpainting take shortcuts too', async () => {
  const changes = { kind: 'image-to-image', initImage: { path: '-' }, denoisingStrength: 0.8, steps: 25 };
  const initLatent = tensor(
    Float32Array.from({ length: 4 * 16 * 16 }, (_, i) => Math.sin(i / 40)),
    [1, 4, 16, 16],
  );
  const latentMask = tensor(
    Float32Array.from({ length: 16 * 16 }, (_, i) => (i % 16 < 8 ? 1 : 0)),
    [1, 1, 16, 16],
  );
  for (const inputs of [{ initLatent }, { initLatent, latentMask }]) {
    const exact = await starter.paint(starterRequest(PROMPTS[2]!, changes), inputs);
    const run = await starter.paint(starterRequest(PROMPTS[2]!, { ...changes, speed: 'draft' }), inputs);
    expect(workShare(run, exact, outer)).toBeLessThan(0.65);
    expect(psnr(run.pixels[0]!, exact.pixels[0]!)).toBeGreaterThan(28);
  }
}, 100_000);

test('at guidance 1 and where prompts change on the way, too', async () => {
  const plain = await compared({ speed: 'draft', guidanceScale: 1 }, 1);
  expect(plain.work).toBeLessThan(0.65);
  expect(plain.worst).toBeGreaterThan(28);
  const edited = starterRequest('a [red:blue:0.5] boat on the sea at sunset', { emphasis: 'a1111' });
  const exact = await starter.paint(edited);
  const run = await starter.paint({ ...edited, speed: 'draft' });
  expect(psnr(run.pixels[0]!, exact.pixels[0]!)).toBeGreaterThan(28);
}, 100_000);

test('with a LoRA and a ControlNet that ends half-way', async () => {
  const engine = bench();
  const file = (name: string) => ({ name, path: join(STARTER_FOLDER, `${name}.safetensors`) });
  const image = { path: join(tempFolder(), 'sketch.png') };
  writeFileSync(image.path, await encodePixels(disc(128), 'png'));
  const request = starterRequest('a blue balloon over the sea by day', {
    loras: [{ model: file('little-world-woodcut'), unetWeight: 0.8, textWeight: 0.8 }],
    controls: [{ model: file('little-world-scribble'), image, preprocessor: 'canny', endFraction: 0.5 }],
  });
  const exact = await engine.generate(request);
  const run = await engine.generate({ ...request, shortcuts: SPEED_SHORTCUTS.draft });
  expect(run.images[0]!.data).not.toEqual(exact.images[0]!.data);
  expect(psnr(run.images[0]!.data, exact.images[0]!.data)).toBeGreaterThan(28);
  await engine.host.release();
}, 200_000);

/** A white disc on black. */
function disc(side: number): Pixels {
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const [x, y] = [(i % side) - side / 2, Math.floor(i / side) - side / 2];
    if (x * x + y * y < (side / 4) ** 2) data.fill(255, i * 3, i * 3 + 3);
  }
  return pixelsOf(data, side, side, 3);
}

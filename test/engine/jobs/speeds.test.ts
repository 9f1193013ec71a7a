/** The same request exact and in integers, on the starter's own weights: how far the pictures differ, with a LoRA and a ControlNet too. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { EngineProgress, EngineResult, EngineSettings } from '../../../main/engine/border/protocol.ts';
import { keepGains } from '../../../main/engine/devices/packingGain.ts';
import { runJob } from '../../../main/engine/jobs/jobs.ts';
import { createHost, type EngineHost } from '../../../main/engine/loading/host.ts';
import { encodePixels } from '../../../main/images/codec.ts';
import { generationRequestSchema } from '../../../preload/request.ts';
import { SPEED_SHORTCUTS } from '../../../preload/shortcuts.ts';
import { psnr } from '../../helpers/shortcutRuns.ts';

const STARTER = join(import.meta.dirname, '../../../starter');
const folder = mkdtempSync(join(tmpdir(), 'emulsion-speeds-'));
const cacheDir = join(folder, 'cache');
const SETTINGS: EngineSettings = { memory: 'normal', device: 'cpu', cacheDir, threads: 0, previews: false };
// Whatever this machine gains, both kinds of integers are to be seen at work.
const gain = { timeRatio: 0.5, relativeError: 1e-4 };
const slow = { timeRatio: 1.3, relativeError: 1e-6 };
keepGains(cacheDir, 0, { 8: gain, 16: gain, winograd: slow });

const host = createHost();
afterAll(async () => {
  await host.release();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string): { name: string; path: string } => ({
  name,
  path: join(STARTER, `${name}.safetensors`),
});

async function paint(
  settings: Readonly<Record<string, unknown>>,
  onProgress: (progress: EngineProgress) => void = () => undefined,
  engine: { readonly host: EngineHost; readonly settings: EngineSettings } = { host, settings: SETTINGS },
): Promise<Extract<EngineResult, { kind: 'images' }>> {
  const request = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: file('little-world'),
    prompt: 'a red boat on the sea at sunset',
    width: 128,
    height: 128,
    steps: 8,
    guidanceScale: 4,
    seed: '7',
    ...settings,
  });
  const context = { settings: engine.settings, onProgress, signal: new AbortController().signal };
  const result = await runJob(engine.host, { kind: 'generate', request }, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  return result;
}

/** Without shortcuts, so that the integers alone are seen. */
async function expectNear(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const shortcuts = SPEED_SHORTCUTS.exact;
  const pictures: Uint8Array[] = [];
  for (const speed of ['exact', 'fast', 'draft'])
    pictures.push((await paint({ ...settings, speed, shortcuts })).images[0]!.data);
  const [exact, fast, draft] = pictures;
  expect(psnr(fast!, exact!)).toBeGreaterThan(50);
  expect(psnr(draft!, exact!)).toBeGreaterThan(24);
  expect(psnr(draft!, exact!)).toBeLessThan(psnr(fast!, exact!));
}

test('fast is within a step of grey of exact, draft looks the same', async () => {
  await expectNear({});
  expect(readdirSync(cacheDir).filter((name) => name.endsWith('.safetensors'))).toHaveLength(4);
});

test('a picture whose composition hangs in the balance stays the same in draft', () =>
  expectNear({ prompt: 'a green cactus in the desert by day', steps: 20, seed: '135' }));

test('with a LoRA', () =>
  expectNear({ loras: [{ model: file('little-world-woodcut'), unetWeight: 1, textWeight: 1 }] }));

test('with a ControlNet', async () => {
  const image = join(folder, 'hint.png');
  const { images } = await paint({ seed: '3' });
  writeFileSync(image, await encodePixels(images[0]!, 'png'));
  await expectNear({
    controls: [{ model: file('little-world-scribble'), image: { path: image }, preprocessor: 'canny' }],
  });
});

test('fast by fewer products differs by less than a step of grey', async () => {
  const elsewhere = join(folder, 'winograd');
  keepGains(elsewhere, 0, { 8: slow, 16: slow, winograd: gain });
  const engine = { host, settings: { ...SETTINGS, cacheDir: elsewhere } };
  const shortcuts = SPEED_SHORTCUTS.exact;
  const exact = (await paint({ shortcuts })).images[0]!.data;
  const fast = await paint({ speed: 'fast', shortcuts }, undefined, engine);
  expect(fast.notes).toEqual([]);
  expect(readdirSync(elsewhere).filter((name) => name.endsWith('.winograd.safetensors'))).toHaveLength(2);
  expect(psnr(fast.images[0]!.data, exact)).toBeGreaterThan(60);
  const image = join(folder, 'hint of its own.png');
  writeFileSync(image, await encodePixels(fast.images[0]!, 'png'));
  const controls = [{ model: file('little-world-scribble'), image: { path: image }, preprocessor: 'canny' }];
  await paint({ speed: 'fast', shortcuts, controls, steps: 1 }, undefined, engine);
  expect(readdirSync(elsewhere).filter((name) => name.endsWith('.winograd.safetensors'))).toHaveLength(3);
});

test('together with the shortcuts of each speed', async () => {
  const exact = (await paint({})).images[0]!.data;
  expect(psnr((await paint({ speed: 'fast' })).images[0]!.data, exact)).toBeGreaterThan(36);
  expect(psnr((await paint({ speed: 'draft' })).images[0]!.data, exact)).toBeGreaterThan(24);
});

test('a cache folder that takes no file: exact pictures, with the reason', async () => {
  const file = join(folder, 'no-folder');
  writeFileSync(file, '');
  const settings = { ...SETTINGS, cacheDir: join(file, 'cache') };
  keepGains(settings.cacheDir, 0, { 8: gain, 16: gain, winograd: slow });
  const own = createHost();
  const shortcuts = SPEED_SHORTCUTS.exact;
  const exact = await paint({ steps: 2, shortcuts });
  const first = await paint({ steps: 2, speed: 'draft', shortcuts }, undefined, { host: own, settings });
  expect(first.images[0]!.data).toEqual(exact.images[0]!.data);
  const note = `Speed "draft" keeps the weights exact: the folder ${settings.cacheDir} cannot be written (ENOTDIR).`;
  expect(first.notes).toEqual([note]);
  // Said with every picture, also while the checkpoint stays loaded.
  const second = await paint({ steps: 1, speed: 'draft' }, undefined, { host: own, settings });
  expect(second.notes).toEqual([note]);
  const cached: EngineSettings = { ...settings, memory: 'cached' };
  const third = await paint({ steps: 1 }, undefined, { host: own, settings: cached });
  expect(third.notes).toEqual([expect.stringContaining('Memory mode "cached" goes without its copy')]);
  await own.release();
});

test('packing is progress of its own, once; a speed that does not pay is exact and says so', async () => {
  const elsewhere = join(folder, 'slow');
  keepGains(elsewhere, 0, { 8: gain, 16: slow, winograd: slow });
  const settings = { ...SETTINGS, cacheDir: elsewhere };
  const loads: number[] = [];
  const run = async (speed: string): Promise<Extract<EngineResult, { kind: 'images' }>> => {
    const request = {
      checkpoint: file('little-world'),
      prompt: 'a boat',
      width: 64,
      height: 64,
      steps: 1,
      seed: '1',
      speed,
    };
    const onProgress = ({ stage, steps }: EngineProgress): void =>
      void (stage === 'load' && loads.push(steps));
    const context = { settings, onProgress, signal: new AbortController().signal };
    const parsed = generationRequestSchema.parse({ kind: 'text-to-image', ...request });
    return (await runJob(host, { kind: 'generate', request: parsed }, context)) as Extract<
      EngineResult,
      { kind: 'images' }
    >;
  };
  const fast = await run('fast');
  expect(fast.notes).toEqual([expect.stringContaining('1.30 × the time of float32')]);
  expect(Math.max(...loads)).toBe(1);
  expect((await run('exact')).images[0]!.data).toEqual(fast.images[0]!.data);
  await run('draft');
  expect(Math.max(...loads)).toBeGreaterThan(50);
});

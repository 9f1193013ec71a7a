import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { chooseMemory, knownMemory, learnPeak, neededBytes } from '../../main/jobs/memoryNeed.ts';
import { privateBytes, watchPeak } from '../../main/jobs/memoryWatch.ts';
import { estimatedBytes, refuseImpossible, remarkOnMemory } from '../../main/jobs/memoryWays.ts';
import { planJob } from '../../main/jobs/plan.ts';
import type { WritableDb } from '../../main/storage/database.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { startStudio } from '../helpers/studio.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

const request = (values: object = {}) =>
  generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'a' },
    prompt: 'x',
    seed: '1',
    width: 512,
    height: 512,
    ...values,
  });
const free = (gigabytes: number, wanted: 'auto' | 'normal' | 'cached' | 'low' = 'auto') => ({
  available: gigabytes * 1e9,
  wanted,
});

/** A library with an SD 1.5 checkpoint of half precision, the same in full precision, and an SDXL LoRA. */
function library(): WritableDb {
  const db = tempDatabase();
  db.run("INSERT INTO folders VALUES (1, '/m', 'plain', 0, '', 1)");
  for (const [name, type, base, bytes, dtype] of [
    ['a', 'checkpoint', 'sd15', 2.1e9, 'F16'],
    ['full', 'checkpoint', 'sd15', 4.2e9, 'F32'],
    ['xl style', 'lora', 'sdxl', 1e8, 'F16'],
  ] as const) {
    db.run(
      "INSERT INTO models (folder_id, path, file_name, type, base, bytes, dtype, modified, state) VALUES (1, ?, ?, ?, ?, ?, ?, 1, 'ready')",
      ...[`/m/${name}`, `${name}.safetensors`, type, base, bytes, dtype],
    );
  }
  return db;
}

test('the plan says what will happen, and what would fit', () => {
  const db = library();
  const big = request({ width: 2048, height: 2048 });
  expect(planJob(db, request(), free(24))).toMatchObject({ verdict: 'fits', message: 'Fits.' });
  expect(planJob(db, big, free(24))).toMatchObject({
    verdict: 'tiled-vae',
    message: expect.stringContaining('in tiles'),
  });
  expect(planJob(db, request(), free(3))).toMatchObject({
    verdict: 'low-memory',
    message: expect.stringContaining('low memory mode'),
  });
  const plan = planJob(db, big, free(6));
  expect(plan.verdict).toBe('too-large');
  const { width, height } = plan.suggestion!;
  expect(width).toBeLessThan(2048);
  expect(plan.message).toBe(`Will not fit: try ${width} × ${height}.`);
  expect(planJob(db, request({ width, height }), free(6)).verdict).not.toBe('too-large');
  expect(planJob(db, request(), free(0.4))).toMatchObject({ verdict: 'too-large', suggestion: null });
});

test('what no closing of other programs would make room for is refused; what may fit is not', () => {
  const refuse = (values: object, gigabytes: number) =>
    refuseImpossible(knownMemory(library()), request(values), free(6), gigabytes * 1e9);
  expect(() => refuse({ width: 2048, height: 2048 }, 8)).not.toThrow();
  expect(() => refuse({ width: 4096, height: 4096 }, 24)).not.toThrow();
  expect(() => refuse({ width: 16384, height: 16384 }, 128)).toThrow(
    expect.objectContaining({
      code: 'too-large',
      message: expect.stringMatching(
        /^16384 × 16384, 1 at once, takes about 4\d\d GB of memory, and this machine has 128 GB\.$/,
      ),
      hint: expect.stringMatching(/^Choose (\d+) × \1 or smaller\.$/),
    }),
  );
  // The finished size is what has to fit.
  const secondPass = { scale: 8, upscaler: 'latent', denoisingStrength: 0.5 };
  expect(() => refuse({ width: 2048, height: 2048, secondPass }, 128)).toThrow('16384 × 16384');
});

test('on the command line a picture that may not fit comes with a remark', () => {
  const big = request({ width: 2048, height: 2048 });
  expect(remarkOnMemory(chooseMemory(library(), big, free(6)), { width: 1024, height: 768 })).toMatch(
    /^This takes about \d\.\d GB of memory, and 5\.7 GB are free\. If it fails: Choose 1024 × 768 or smaller\.$/,
  );
});

test('activations are estimated by the width of the network', () => {
  const way = { verdict: 'fits', mode: 'normal', tiled: true } as const;
  const at = (parameters: number) => estimatedBytes(request({ width: 4096, height: 4096 }), parameters, way);
  const [small, normal, large] = [at(16.6e6), at(1.07e9), at(2.6e9)];
  expect(normal / small).toBeGreaterThan(4);
  expect(large - normal).toBeCloseTo((2.6e9 - 1.07e9) * 4.2, -3);
});

test('a mode that was chosen is kept; precision on disk does not count twice; the second pass does', () => {
  const db = library();
  expect(planJob(db, request(), free(24, 'low')).verdict).toBe('low-memory');
  expect(planJob(db, request(), free(3, 'normal')).verdict).toBe('too-large');
  expect(chooseMemory(db, request(), free(24, 'cached'))).toMatchObject({ mode: 'cached', tiled: false });
  const way = { verdict: 'fits', mode: 'normal', tiled: false } as const;
  const full = request({ checkpoint: { name: 'full' } });
  expect(neededBytes(db, full, way)).toBe(neededBytes(db, request(), way));
  const enlarged = request({ secondPass: { scale: 2, upscaler: 'latent', denoisingStrength: 0.5 } });
  expect(neededBytes(db, enlarged, way)).toBe(neededBytes(db, request({ width: 1024, height: 1024 }), way));
});

test('what jobs really took replaces the estimate, and corrects those of other sizes in the same mode', () => {
  const db = library();
  const { neededBytes: estimate, ...way } = chooseMemory(db, request(), free(24));
  const larger = request({ width: 768, height: 768 });
  const before = neededBytes(db, larger, way);
  learnPeak(db, request(), way, estimate * 1.25, 1);
  expect(neededBytes(db, request(), way)).toBeCloseTo(estimate * 1.25, -3);
  expect(neededBytes(db, larger, way)).toBeCloseTo(before * 1.25, -3);
  const low = { verdict: 'low-memory', mode: 'low', tiled: true } as const;
  const lowBefore = neededBytes(db, larger, low);
  learnPeak(db, request(), way, estimate * 1.25, 2);
  expect(neededBytes(db, larger, low)).toBe(lowBefore);
  learnPeak(db, request(), way, 30e9, 3);
  expect(planJob(db, request(), free(8)).verdict).toBe('low-memory');
});

test('models that do not go together and missing ones are named before the job runs', () => {
  const db = library();
  const misfit = request({ loras: [{ model: { name: 'xl style' }, unetWeight: 1, textWeight: 1 }] });
  expect(planJob(db, misfit, free(24)).warnings.map(({ message }) => message)).toContain(
    '"xl style" is made for SDXL, the checkpoint is SD 1.5.',
  );
  expect(planJob(db, request({ checkpoint: { name: 'none' } }), free(24)).warnings).toMatchObject([
    { blocking: true, message: 'The model "none" is not in the library.' },
  ]);
});

test.runIf(process.platform === 'linux')(
  'a process is seen at its largest, also while it is blocked',
  async () => {
    // Touches 200 MB in one turn of its event loop, then lets them go.
    const grow =
      "let b = Buffer.alloc(200e6, 1); b = null; gc(); console.log('grown'); setTimeout(() => {}, 1e6);";
    const child = spawn(process.execPath, ['--expose-gc', '-e', grow], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill());
    const peak = watchPeak(() => child.pid);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(privateBytes(child.pid)).toBeGreaterThan(5e6);
    expect(peak()).toBeGreaterThan(5e6);
    expect(privateBytes(undefined)).toBeUndefined();
    expect(watchPeak(() => undefined)()).toBeUndefined();
  },
);

test('a job that ran has taught the studio its time and memory, and the engine’s memory is told', {
  timeout: 240_000,
}, async () => {
  const { client, settled, server, events } = await startStudio();
  const painted = tinyRequest({ checkpoint: { name: 'tiny' }, width: 64, height: 64, steps: 2 });
  expect((await client.queue.plan({ request: painted })).seconds).toBeNull();
  expect(await client.app.memory()).toMatchObject({ engine: 0 });
  expect(await settled((await client.queue.add({ request: painted })).id)).toMatchObject({ state: 'done' });
  const plan = await client.queue.plan({ request: painted });
  expect(plan).toMatchObject({ verdict: 'fits', seconds: expect.any(Number) });
  if (process.platform !== 'linux') return;
  const measured = server.services.db.column<string>(
    "SELECT key FROM measurements WHERE key LIKE 'peakBytes%'",
  );
  expect(measured).toEqual([
    expect.stringMatching(/^peakBytes normal\|text-to-image\|[0-9a-z]+\|exact\|64x64x1/),
  ]);
  // Node.js, ONNX Runtime and 8 MB of weights.
  expect(plan.neededBytes).toBeGreaterThan(30e6);
  expect(plan.neededBytes).toBeLessThan(1e9);
  expect((await client.app.memory()).engine).toBeGreaterThan(30e6);
  const long = await client.queue.add({ request: { ...painted, steps: 900 } });
  await expect
    .poll(() => events.find((event) => event.type === 'memory'), { timeout: 60_000 })
    .toMatchObject({ memory: { engine: expect.any(Number) } });
  await client.queue.cancel({ id: long.id });
  expect(await settled(long.id)).toMatchObject({ state: 'cancelled' });
});

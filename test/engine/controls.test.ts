import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createHost } from '../../main/engine/host.ts';
import { runJob } from '../../main/engine/jobs.ts';
import type { EngineSettings } from '../../main/engine/protocol.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

const CONTROL = join(GOLDEN_DIR, 'controlnet', 'controlnet.safetensors');
const HINT = join(GOLDEN_DIR, 'controlnet', 'hint.png');
const SETTINGS: EngineSettings = {
  memory: 'normal',
  device: 'cpu',
  cacheDir: '/nonexistent',
  threads: 1,
  previews: false,
};
const host = createHost();
afterAll(() => host.release());

async function paint(...controls: Readonly<Record<string, unknown>>[]): Promise<Uint8Array> {
  const request = tinyRequest({
    steps: 2,
    controls: controls.map((control) => ({
      model: { name: 'control', path: CONTROL },
      image: { path: HINT },
      ...control,
    })),
  });
  const context = { settings: SETTINGS, onProgress: () => undefined, signal: new AbortController().signal };
  const result = await runJob(host, { kind: 'generate', request }, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  return result.images[0]!.data;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(Buffer.from(b));

test('a ControlNet acts at its weight and in its interval, and two act at once', async () => {
  const none = await paint();
  const one = await paint({});
  expect(same(one, none)).toBe(false);
  expect(same(await paint({ weight: 0 }), none)).toBe(true);
  expect(same(await paint({ startFraction: 0.9, endFraction: 0.95 }), none)).toBe(true);
  const halves = await paint({ weight: 0.5 }, { weight: 0.5 });
  const differing = halves.filter((value, i) => Math.abs(value - one[i]!) > 1).length;
  expect(differing).toBe(0);
  expect(same(await paint({ priority: 'prompt' }), one)).toBe(false);
}, 300_000);

test('a ControlNet for another base is refused with what differs', async () => {
  const other = paint({ model: { name: 'x', path: join(GOLDEN_DIR, 'lora', 'lora_peft.safetensors') } });
  await expect(other).rejects.toThrow('this file has no ControlNet');
});

test('preprocessors are checked by name and options', async () => {
  await expect(paint({ preprocessor: 'onnx:/no/such/depth.onnx' })).rejects.toThrow(
    'depth.onnx: there is no such preprocessor',
  );
  await expect(paint({ preprocessor: 'canny', preprocessorOptions: { low: -1 } })).rejects.toThrow(
    'canny option "low" is -1',
  );
});

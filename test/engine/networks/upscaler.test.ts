import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openUpscaler, upscaleImage } from '../../../main/engine/networks/upscaler.ts';
import { DEFAULT_SESSION } from '../../../main/engine/runtime/sessions.ts';
import { type Pixels, pixelsOf, toTensor } from '../../../main/images/pixels.ts';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';
import { upscaleInStrips, upscalePlan } from '../../../main/pipeline/upscale.ts';
import { openSafetensors, readFloat32 } from '../../../native-models/weights/safetensors.ts';
import { expectClose } from '../../helpers/close.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';

/** A folder with realesr-animevideov3-x4.safetensors and io.safetensors: inputs `NAME.in` and genuine outputs `NAME.out`. */
const REAL = process.env['EMULSION_REALESRGAN'] ?? '';
const SESSION = { ...DEFAULT_SESSION, threads: 1 };

function open(file: string) {
  return openUpscaler(openSafetensors(join(GOLDEN_DIR, 'esrgan', file)), SESSION);
}

function picture(width: number, height: number, channels: 3 | 4 = 3): Pixels {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => 128 + 127 * Math.sin(i * 12.9898),
  );
  return pixelsOf(data, width, height, channels);
}

/** The unclamped result in tiles of 32 pixels, as one tensor. */
async function tiled(source: Tensor, upscaler: Awaited<ReturnType<typeof open>>): Promise<Float32Array> {
  const [, , height, width] = source.shape as [number, number, number, number];
  const plan = upscalePlan(upscaler.config, 32);
  const outWidth = width * plan.scale;
  const out = new Float32Array(3 * height * plan.scale * outWidth);
  await upscaleInStrips({ width, height }, plan, {
    read: (area) => {
      const part = new Float32Array(3 * area.width * area.height);
      for (let c = 0; c < 3; c++)
        for (let y = 0; y < area.height; y++) {
          const from = (c * height + area.y + y) * width + area.x;
          part.set(source.data.subarray(from, from + area.width), (c * area.height + y) * area.width);
        }
      return tensor(part, [1, 3, area.height, area.width]);
    },
    run: upscaler.run,
    emit: (top, { data, shape }) => {
      const plane = shape[2]! * outWidth;
      for (let c = 0; c < 3; c++)
        out.set(data.subarray(c * plane, (c + 1) * plane), (c * height * plan.scale + top) * outWidth);
    },
  });
  return out;
}

test.each(['rrdb_x4.safetensors', 'rrdb_x2.safetensors', 'srvgg.safetensors'])(
  '%s: tiled is whole within 1e-3 of its range, everywhere',
  async (file) => {
    const upscaler = await open(file);
    const side = 1.5 * upscalePlan(upscaler.config, 32).tile;
    const source = toTensor([picture(side, side - 4)], 'unit');
    const whole = (await upscaler.run(source)).data;
    const range = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expectClose(await tiled(source, upscaler), whole, { atol: 1e-3 * Math.max(1, range / 10) });
    await upscaler.release();
  },
  120_000,
);

test('bytes in, bytes out: clamped, at the network’s scale or the wanted one, alpha kept', async () => {
  const upscaler = await open('srvgg.safetensors');
  const opaque = picture(20, 12);
  const enlarged = await upscaleImage(opaque, upscaler);
  expect([enlarged.width, enlarged.height, enlarged.channels]).toEqual([80, 48, 3]);
  const whole = (await upscaler.run(toTensor([opaque], 'unit'))).data;
  const expected = Array.from({ length: 80 * 48 * 3 }, (_, i) => {
    const value = whole[(i % 3) * 80 * 48 + Math.floor(i / 3)]!;
    return Math.min(255, Math.max(0, value * 255));
  });
  expectClose(enlarged.data, expected, { atol: 0.5001 });

  const half = picture(20, 12, 4);
  for (let i = 0; i < 240; i++) half.data[4 * i + 3] = i % 20 < 10 ? 0 : 255;
  const wide = await upscaleImage(half, upscaler, { tile: 64, scale: 3 });
  expect([wide.width, wide.height, wide.channels]).toEqual([60, 36, 4]);
  const alpha = (x: number, y: number): number => wide.data[(y * 60 + x) * 4 + 3]!;
  expect([alpha(3, 20), alpha(25, 5), alpha(35, 5), alpha(55, 30)]).toEqual([0, 0, 255, 255]);
  await upscaler.release();
});

test('sides that a pixel-unshuffling network cannot divide are padded and cut again', async () => {
  const upscaler = await open('rrdb_x2.safetensors');
  const enlarged = await upscaleImage(picture(21, 13), upscaler);
  expect([enlarged.width, enlarged.height]).toEqual([42, 26]);
  await upscaler.release();
});

test.skipIf(REAL === '')(
  'genuine weights enlarge a photograph as Real-ESRGAN does (where EMULSION_REALESRGAN names them)',
  async () => {
    const upscaler = await openUpscaler(
      openSafetensors(join(REAL, 'realesr-animevideov3-x4.safetensors')),
      SESSION,
    );
    const io = openSafetensors(join(REAL, 'io.safetensors'));
    const names = [...io.tensors.keys()].filter((name) => name.endsWith('.in'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const input = tensor(readFloat32(io, name), io.tensors.get(name)!.shape);
      const { data } = await upscaler.run(input);
      expectClose(data, readFloat32(io, name.replace(/\.in$/, '.out')), { atol: 1e-3 });
    }
    await upscaler.release();
  },
  300_000,
);

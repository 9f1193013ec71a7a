/** T2I-Adapter against its equations written out in plain loops, over random weights in either layout. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { runOne, toOrt } from '../../main/engine/runtime/tensors.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import { compileT2iAdapter, featureChannels } from '../../native-models/compile.ts';
import { t2iAdapterConfig } from '../../native-models/inspect/config.ts';
import { SD15, SDXL } from '../../native-models/models/configs.ts';
import { featureBlocks } from '../../native-models/models/unet.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { expectClose } from '../helpers/close.ts';
import { namesAndShapes, temporaryFolder } from '../helpers/weightFiles.ts';

interface Plane {
  readonly data: Float64Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

type Weights = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> }
>;

const random = (count: number, phase: number, amplitude: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => amplitude * Math.sin(12.9898 * i + 78.233 * phase));

/** An adapter of four levels in the original layout; `colours` is what a hint has of them. */
function weightsOf(channels: readonly number[], colours: number, kernel: number): Weights {
  const weights = new Map<string, { shape: readonly number[]; data: Float32Array<ArrayBuffer> }>();
  const conv = (name: string, to: number, from: number, side: number): void => {
    const phase = weights.size;
    const data = random(to * from * side * side, phase, 1 / Math.sqrt(from * side * side));
    weights.set(`${name}.weight`, { shape: [to, from, side, side], data });
    weights.set(`${name}.bias`, { shape: [to], data: random(to, phase + 0.5, 0.1) });
  };
  conv('conv_in', channels[0]!, 64 * colours, 3);
  channels.forEach((width, level) => {
    const before = channels[level - 1] ?? width;
    if (before !== width) conv(`body.${2 * level}.in_conv`, width, before, kernel);
    for (const block of [2 * level, 2 * level + 1]) {
      conv(`body.${block}.block1`, width, width, 3);
      conv(`body.${block}.block2`, width, width, kernel);
    }
  });
  return weights;
}

function convolved(weights: Weights, name: string, x: Plane): Plane {
  const { shape, data } = weights.get(`${name}.weight`)!;
  const bias = weights.get(`${name}.bias`)!.data;
  const [to, from, side] = shape as [number, number, number];
  const reach = side >> 1;
  const out = new Float64Array(to * x.height * x.width);
  for (let o = 0; o < to; o++)
    for (let r = 0; r < x.height; r++)
      for (let c = 0; c < x.width; c++) {
        let sum = bias[o]!;
        for (let i = 0; i < from; i++)
          for (let dr = -reach; dr <= reach; dr++)
            for (let dc = -reach; dc <= reach; dc++) {
              const [row, column] = [r + dr, c + dc];
              if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
              const weight = data[((o * from + i) * side + dr + reach) * side + dc + reach]!;
              sum += weight * x.data[(i * x.height + row) * x.width + column]!;
            }
        out[(o * x.height + r) * x.width + c] = sum;
      }
  return { ...x, data: out, channels: to };
}

/** Channel order c, row, column, as torch.pixel_unshuffle has it; one colour is the mean of three. */
function unshuffled(hint: Tensor, colours: number): Plane {
  const [, , height, width] = hint.shape as [number, number, number, number];
  const [h, w] = [height / 8, width / 8];
  const at = (c: number, row: number, column: number): number =>
    hint.data[(c * height + row) * width + column]!;
  const seen = (c: number, row: number, column: number): number =>
    colours === 3 ? at(c, row, column) : (at(0, row, column) + at(1, row, column) + at(2, row, column)) / 3;
  const data = new Float64Array(64 * colours * h * w);
  for (let c = 0; c < colours; c++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const channel = c * 64 + (row % 8) * 8 + (column % 8);
        data[(channel * h + (row >> 3)) * w + (column >> 3)] = seen(c, row, column);
      }
  return { data, channels: 64 * colours, height: h, width: w };
}

/** 2×2 means; at an odd edge of what is there. */
function halved(x: Plane): Plane {
  const [height, width] = [Math.ceil(x.height / 2), Math.ceil(x.width / 2)];
  const data = new Float64Array(x.channels * height * width);
  for (let c = 0; c < x.channels; c++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const seen: number[] = [];
        for (const r of [2 * row, 2 * row + 1])
          for (const k of [2 * column, 2 * column + 1])
            if (r < x.height && k < x.width) seen.push(x.data[(c * x.height + r) * x.width + k]!);
        data[(c * height + row) * width + column] = seen.reduce((a, b) => a + b) / seen.length;
      }
  return { data, channels: x.channels, height, width };
}

function features(weights: Weights, levels: number, hint: Tensor, colours: number): Plane[] {
  let x = convolved(weights, 'conv_in', unshuffled(hint, colours));
  return Array.from({ length: levels }, (_, level) => {
    if (level > 0) x = halved(x);
    for (const block of [2 * level, 2 * level + 1]) {
      const y = weights.has(`body.${block}.in_conv.weight`)
        ? convolved(weights, `body.${block}.in_conv`, x)
        : x;
      const first = convolved(weights, `body.${block}.block1`, y);
      const active = { ...first, data: first.data.map((value) => Math.max(0, value)) };
      const inner = convolved(weights, `body.${block}.block2`, active);
      x = { ...inner, data: inner.data.map((value, i) => value + y.data[i]!) };
    }
    return x;
  });
}

/** diffusers' names: blocks are counted within their level, and a level's in_conv is the level's. */
function inDiffusersLayout(name: string): string {
  const [, block, rest] = /^body\.(\d)\.(.+)$/.exec(name) ?? [];
  if (block === undefined) return `adapter.${name}`;
  const level = Number(block) >> 1;
  return rest!.startsWith('in_conv')
    ? `adapter.body.${level}.${rest}`
    : `adapter.body.${level}.resnets.${Number(block) % 2}.${rest}`;
}

const CHANNELS = [3, 5, 4, 4];

test.each([
  ['original names, colours', 3, 1, (name: string) => name],
  ['original names, grey, 3×3 kernels', 1, 3, (name: string) => name],
  ['diffusers, colours', 3, 1, inDiffusersLayout],
])('%s', async (_case, colours, kernel, named) => {
  const weights = weightsOf(CHANNELS, colours, kernel);
  const path = join(temporaryFolder(), 'adapter.safetensors');
  await writeSafetensors(
    path,
    [...weights].map(([name, { shape, data }]) => floatSource(named(name), shape, data)),
  );
  const file = openSafetensors(path);
  const config = t2iAdapterConfig(file);
  expect(config).toMatchObject({
    hintChannels: colours,
    channels: CHANNELS,
    halvingLevels: [1, 2, 3],
    kernel,
  });
  const source = fileParameters(path, canonicalTensors(file, 't2iAdapter'));
  const session = await createSession(compileT2iAdapter(source, config, { flavour: 'cpu' }));
  const hint = { data: random(3 * 40 * 56, 3, 0.5).map((value) => value + 0.5), shape: [1, 3, 40, 56] }; // 5×7: odd
  const expected = features(weights, CHANNELS.length, hint, colours);
  for (const [level, { data, channels, height, width }] of expected.entries()) {
    const actual = await runOne(session, { hint: toOrt(hint) }, `feature.${level}`);
    expect(actual.shape).toEqual([1, channels, height, width]);
    expectClose(actual.data, data, { atol: 1e-5, rtol: 1e-5 });
  }
  await session.release();
});

test('SDXL has its own: unshuffled by 16, one level at the same size as the one before', () => {
  const widths = [320, 640, 1280, 1280];
  const blocks = widths.flatMap((width, level) =>
    [0, 1].flatMap((block) => [
      [`adapter.body.${level}.resnets.${block}.block1.weight`, [width, width, 3, 3]] as const,
      [`adapter.body.${level}.resnets.${block}.block2.weight`, [width, width, 1, 1]] as const,
    ]),
  );
  const file = namesAndShapes({ 'adapter.conv_in.weight': [320, 768, 3, 3], ...Object.fromEntries(blocks) });
  expect(t2iAdapterConfig(file)).toEqual({
    hintChannels: 3,
    unshuffle: 16,
    channels: widths,
    halvingLevels: [2],
    blocksPerLevel: 2,
    kernel: 1,
  });
  expect(featureBlocks(SDXL.unet)).toEqual([3, 5, 8]);
  expect(featureChannels(SDXL.unet)).toEqual([320, 640, 1280]);
  expect(featureBlocks(SD15.unet)).toEqual([2, 5, 8, 11]);
  expect(featureChannels(SD15.unet)).toEqual(widths);
});

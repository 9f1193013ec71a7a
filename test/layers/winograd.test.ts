/** Convolutions by fewer products against the plain ones, at sizes that fit the tiles and at others; and which layers get them. */
import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { relativeL2, wave } from '../../main/engine/runtime/probing.ts';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { input } from '../../native-models/graph/value.ts';
import { conv2d } from '../../native-models/layers/basic.ts';
import { type Packing, rootScope } from '../../native-models/layers/scope.ts';
import { winogradTile } from '../../native-models/layers/winograd.ts';
import { type CheckpointConfig, SD15, SDXL } from '../../native-models/models/configs.ts';
import { unetParameters } from '../../native-models/models/parameters.ts';
import { winogradLayers } from '../../native-models/models/winogradLayers.ts';
import { layerSource } from '../../native-models/weights/packed.ts';

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

test.each([
  {
    channels: [128, 128],
    tile: 4,
    sizes: [
      [2, 8, 8],
      [1, 7, 5],
      [1, 1, 2],
      [3, 4, 13],
    ],
  },
  {
    channels: [1160, 1170],
    tile: 2,
    sizes: [
      [1, 6, 4],
      [2, 3, 5],
    ],
  },
] as const)('tiles of $tile', async ({ channels: [from, to], tile, sizes }) => {
  expect(winogradTile([to, from])).toBe(tile);
  const shape = [to, from, 3, 3];
  const [weight, bias] = [wave(count(shape), 0.7), wave(to, 0.3)];
  const open = (packing?: Packing) => {
    const scope = rootScope(layerSource(weight, shape, packing, bias), { flavour: 'cpu' });
    const x = input('x', 'float32', ['B', from, 'H', 'W']); // one graph for every size
    return createSession(buildGraph({ y: conv2d(scope, x, from, to) }));
  };
  const [plain, fewer] = [await open(), await open('winograd')];
  for (const [batch, height, width] of sizes) {
    const size = [batch, from, height, width];
    const x = new Tensor('float32', wave(count(size), 0.11), size);
    const [expected, actual] = [(await plain.run({ x }))['y']!, (await fewer.run({ x }))['y']!];
    expect(actual.dims).toEqual(expected.dims);
    expect(relativeL2(actual.data as Float32Array, expected.data as Float32Array)).toBeLessThan(1e-5);
  }
  await plain.release();
  await fewer.release();
});

test('few channels gain nothing', () => expect(winogradTile([4, 320])).toBeUndefined());

const layersOf = ({ unet }: CheckpointConfig): string[] =>
  winogradLayers('unet', new Map([...unetParameters(unet)].map(([name, shape]) => [name, { shape }])));

test('of SD 1.5 all levels but the coarsest, with the upsampler that leaves it; of SDXL all three', () => {
  const sd15 = layersOf(SD15);
  expect(sd15).toContain('input_blocks.1.0.in_layers.2');
  expect(sd15).toContain('input_blocks.8.0.out_layers.3');
  expect(sd15).toContain('output_blocks.2.1.conv'); // works on twice the places of its block
  expect(sd15).toContain('output_blocks.11.0.in_layers.2');
  const others = ['input_blocks.0.0', 'input_blocks.3.0.op', 'input_blocks.10.0.in_layers.2', 'out.2'];
  for (const path of [...others, 'middle_block.0.in_layers.2', 'output_blocks.2.0.in_layers.2'])
    expect(sd15).not.toContain(path);
  const sdxl = layersOf(SDXL);
  expect(sdxl).toContain('middle_block.0.in_layers.2');
  expect(sdxl).toContain('input_blocks.8.0.in_layers.2');
});

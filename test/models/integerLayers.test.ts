/** Which layers of full-size networks are packed: nearly all the work, and none that the picture pays for. */
import { expect, test } from 'vitest';
import { SD15, SDXL } from '../../native-models/models/configs.ts';
import { integerLayers } from '../../native-models/models/integerLayers.ts';
import {
  type ParameterShapes,
  unetParameters,
  vaeParameters,
} from '../../native-models/models/parameters.ts';

const shapesOf = (parameters: ParameterShapes) =>
  new Map([...parameters].map(([name, shape]) => [name, { shape }]));

test.each([
  { name: 'SD 1.5', config: SD15.unet, last: 11 },
  { name: 'SDXL', config: SDXL.unet, last: 8 },
])(
  '$name: the convolutions of the last two output blocks stay exact, those before do not',
  ({ config, last }) => {
    const layers = new Set(integerLayers('unet', shapesOf(unetParameters(config))));
    const isPacked = (block: number): boolean[] =>
      ['in_layers.2', 'out_layers.3'].map((layer) => layers.has(`output_blocks.${block}.0.${layer}`));
    expect([last, last - 1, last - 2].map(isPacked)).toEqual([
      [false, false],
      [false, false],
      [true, true],
    ]);
    expect(layers.has('input_blocks.1.0.in_layers.2')).toBe(true);
    expect(layers.has('middle_block.0.in_layers.2')).toBe(true);
    for (const path of ['input_blocks.0.0', 'out.2', 'time_embed.0', 'input_blocks.4.0.skip_connection'])
      expect([path, layers.has(path)]).toEqual([path, false]);
  },
);

test('the last block of SD 1.5 keeps its transformer packed', () => {
  const layers = integerLayers('unet', shapesOf(unetParameters(SD15.unet)));
  expect(layers).toContain('output_blocks.11.1.transformer_blocks.0.ff.net.2');
});

test('the decoder’s enlargements stay exact, and the encoder is not packed at all', () => {
  const layers = integerLayers('vaeDecoder', shapesOf(vaeParameters(SD15.vae)));
  expect(layers).toContain('decoder.up.0.block.0.conv1');
  expect(layers.filter((path) => /upsample|nin_shortcut|^encoder/.test(path))).toEqual([]);
});

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTinyDecoder } from '../../../main/engine/networks/tinyDecoder.ts';
import { DEFAULT_SESSION } from '../../../main/engine/runtime/sessions.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const [WIDTH, SESSION] = [8, { ...DEFAULT_SESSION, threads: 1 }];

/** The places of the published decoder's list that have weights; 7, 12 and 17 follow a doubling and have no bias. */
const BLOCKS = [3, 4, 5, 8, 9, 10, 13, 14, 15, 18];
const AFTER_DOUBLING = [7, 12, 17];

/** A decoder that doubles three times and passes channel 0 to all three colours, as `shift` + channel 0. */
async function writeDecoder(path: string, prefix: string, shift: number): Promise<void> {
  const conv = (name: string, out: number, inputs: number, bias: boolean, pass: boolean, value = 0) => {
    const weight = new Float32Array(out * inputs * 9);
    if (pass) for (let o = 0; o < out; o++) weight[(o * inputs + Math.min(o, inputs - 1)) * 9 + 4] = 1;
    const sources = [floatSource(`${prefix}${name}.weight`, [out, inputs, 3, 3], weight)];
    return bias
      ? [...sources, floatSource(`${prefix}${name}.bias`, [out], new Float32Array(out).fill(value))]
      : sources;
  };
  await writeSafetensors(path, [
    ...conv('1', WIDTH, 4, true, true),
    ...BLOCKS.flatMap((block) =>
      [0, 2, 4].flatMap((layer) => conv(`${block}.conv.${layer}`, WIDTH, WIDTH, true, false)),
    ),
    ...AFTER_DOUBLING.flatMap((index) => conv(`${index}`, WIDTH, WIDTH, false, true)),
    ...conv('19', 3, WIDTH, true, true, shift),
  ]);
}

test.each(['taesd_decoder.', ''])(
  'decodes a latent to eight times its size (names "%s…")',
  async (prefix) => {
    const path = join(temporaryFolder(), 'taesd_decoder.safetensors');
    await writeDecoder(path, prefix, 0.25);
    const decoder = openTinyDecoder(path, SESSION);
    const data = new Float32Array(2 * 4 * 2 * 3);
    data[0] = 0.3; // channel 0, top left
    const picture = await decoder.decode({ data, shape: [2, 4, 2, 3] });
    expect([picture.width, picture.height, picture.channels]).toEqual([24, 16, 3]);
    // Latents are squeezed by 3·tanh(x/3) on the way in.
    const bright = Math.round(255 * (0.25 + 3 * Math.tanh(0.1)));
    expect([...picture.data.subarray(0, 1)]).toEqual([bright]);
    expect(picture.data.at(-1)).toBe(Math.round(255 * 0.25));
    await decoder.release();
  },
);

test('a file that is no TAESD decoder is named', async () => {
  const path = join(temporaryFolder(), 'other.safetensors');
  await writeSafetensors(path, [floatSource('x', [1], new Float32Array(1))]);
  expect(() => openTinyDecoder(path, SESSION)).toThrow('other.safetensors: this is no TAESD decoder');
});

/** A whole picture of the starter on WebGPU, under SwiftShader, beside the CPU's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineClient } from '../../main/engine/border/client.ts';
import { launchEngine } from '../../main/engine/border/launch.ts';
import type { EngineProgress, RawImage } from '../../main/engine/border/protocol.ts';
import { generationRequestSchema } from '../../preload/request.ts';
import { NO_SWIFT_SHADER, unpackSwiftShader } from '../helpers/swiftShader.ts';

const STARTER = join(import.meta.dirname, '..', '..', 'starter');

/** Milliseconds: a minute on two free cores, but the cores may be busy with other tests. */
const PATIENCE = 900_000;

/** As small as its U-Net takes: the driver computes a hundredth of what the CPU does. */
const REQUEST = generationRequestSchema.parse({
  kind: 'text-to-image',
  checkpoint: { name: 'little-world', path: join(STARTER, 'little-world.safetensors') },
  loras: [
    {
      model: { name: 'woodcut', path: join(STARTER, 'little-world-woodcut.safetensors') },
      unetWeight: 0.7,
      textWeight: 0.7,
    },
  ],
  prompt: 'a red boat on the sea at sunset',
  width: 64,
  height: 64,
  steps: 2,
  seed: '7',
});

test.skipIf(NO_SWIFT_SHADER)(
  `text to image with a LoRA is the CPU’s picture${NO_SWIFT_SHADER ? ` (skipped: ${NO_SWIFT_SHADER})` : ''}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'emulsion-swiftshader-'));
    const stages: string[] = [];
    try {
      Object.assign(process.env, unpackSwiftShader(folder));
      const expected = await paint('cpu', folder);
      const actual = await paint('webgpu', folder, ({ stage }) => stages.push(stage));
      expect(psnr(actual, expected)).toBeGreaterThan(45);
      expect(stages).toContain('warm up');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  PATIENCE,
);

async function paint(
  device: 'cpu' | 'webgpu',
  cacheDir: string,
  onProgress: (progress: EngineProgress) => void = () => undefined,
): Promise<RawImage> {
  const settings = { memory: 'normal', device, cacheDir, threads: 0, previews: false } as const;
  const client = new EngineClient(() => launchEngine(), settings);
  try {
    const result = await client.run({ kind: 'generate', request: REQUEST }, { onProgress });
    if (result.kind !== 'images') throw new Error('no picture');
    expect(result.notes.filter((note) => note.includes('failed'))).toEqual([]);
    return result.images[0]!;
  } finally {
    await client.dispose();
  }
}

/** Peak signal to noise ratio in dB of 8-bit channels. */
function psnr(actual: RawImage, expected: RawImage): number {
  const squares = expected.data.reduce((sum, value, i) => sum + (actual.data[i]! - value) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / expected.data.length));
}

/** The graph inside an enlarged picture makes that picture again, byte for byte. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { JobContext } from '../../main/engine/jobs/context.ts';
import { upscale } from '../../main/engine/jobs/upscale.ts';
import { encodePixels } from '../../main/images/codec.ts';
import { readImageMetadata } from '../../main/images/metadata/read.ts';
import { encodeWithMetadata } from '../../main/images/metadata/write.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { upscaleRequestSchema } from '../../preload/request.ts';
import { PLAIN_SETTINGS } from '../helpers/engineSettings.ts';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { bench } from '../helpers/workflows.ts';

const engine = bench();
afterAll(() => engine.host.release());

const context: JobContext = {
  settings: PLAIN_SETTINGS,
  signal: new AbortController().signal,
  onProgress: () => undefined,
};

test.each([
  [{}, [80, 48]],
  [{ scale: 1.5 }, [60, 36]],
  [{ scale: 3, tile: 64 }, [120, 72]],
])('enlarged with %j', async (wanted, size) => {
  const model = join(GOLDEN_DIR, 'esrgan', 'rrdb_x2.safetensors');
  const source = join(tempFolder(), 'source.png');
  const data = Uint8Array.from({ length: 40 * 24 * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256);
  writeFileSync(source, await encodePixels(pixelsOf(data, 40, 24, 3), 'png'));
  const request = upscaleRequestSchema.parse({
    kind: 'upscale',
    image: { path: source },
    upscaler: { name: 'x2', path: model },
    ...wanted,
  });
  const result = await upscale(engine.host, request, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  const enlarged = pixelsOf(
    result.images[0]!.data,
    result.images[0]!.width,
    result.images[0]!.height,
    result.images[0]!.channels,
  );
  expect([enlarged.width, enlarged.height]).toEqual(size);
  const file = await encodeWithMetadata(enlarged, 'png', { request, withoutPaths: true });
  const { raw, source: program } = await readImageMetadata(file);
  expect(program).toBe('emulsion');
  expect(raw['prompt']).not.toContain(join(source, '..'));
  const graph = JSON.parse(raw['prompt']!);
  const files = { upscale_models: { 'rrdb_x2.safetensors': model }, input: { 'source.png': source } };
  const { images } = await engine.run(graph, files);
  expect(images).toHaveLength(1);
  expect(Buffer.from(images[0]!.image.data)).toEqual(Buffer.from(enlarged.data));
});

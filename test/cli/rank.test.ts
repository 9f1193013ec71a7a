import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodePixels } from '../../main/images/codec.ts';
import { pixelsOf } from '../../main/images/pixels.ts';
import { emulsion } from '../helpers/emulsion.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { tinyClip, writeClip } from '../helpers/tinyClip.ts';

test('rank orders the pictures of a folder and leaves out what is broken', async () => {
  const folder = tempFolder();
  const model = join(folder, 'clip.safetensors');
  await writeClip(model, tinyClip());
  for (const [i, name] of ['a.png', 'b.png', 'c.png'].entries()) {
    const data = Uint8Array.from({ length: 48 * 48 * 3 }, (_, at) => (at * (i + 3)) % 256);
    writeFileSync(join(folder, name), await encodePixels(pixelsOf(data, 48, 48, 3), 'png'));
  }
  writeFileSync(join(folder, 'broken.png'), 'no picture');
  const { code, stdout, stderr } = await emulsion(['rank', 'a red boat', folder, '--model', model, '--json']);
  expect(code).toBe(0);
  const ranked = JSON.parse(stdout) as { file: string; similarity: number }[];
  expect(ranked.map(({ file }) => file).sort()).toEqual(
    ['a', 'b', 'c'].map((name) => join(folder, `${name}.png`)),
  );
  const similarities = ranked.map(({ similarity }) => similarity);
  expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
  expect(new Set(similarities).size).toBe(3);
  expect(stderr).toContain('broken.png');

  const empty = await emulsion(['rank', 'x', tempFolder(), '--model', model]);
  expect(empty.code).toBe(2);
  expect(empty.stderr).toMatch(/no pictures/);
});

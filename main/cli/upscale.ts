/** `emulsion upscale`: pictures and folders of pictures, enlarged by an ESRGAN-family model. */
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Command } from 'commander';
import { upscaleRequestSchema } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import { encodeWithMetadata } from '../images/metadata/write.ts';
import { runOnce } from './engine.ts';
import { freeName, usableFolder, writeNew } from './output.ts';
import { STARTER_FOLDER } from './starter.ts';

interface Options {
  readonly model?: string;
  readonly scale?: number;
  readonly tile?: number;
  readonly out: string;
  readonly json?: boolean;
}

const PICTURE = /\.(png|jpe?g|webp|avif|tiff?|gif)$/i;

export function upscaleCommand(): Command {
  return new Command('upscale')
    .description('enlarge pictures')
    .argument('<pictures...>', 'files or folders')
    .option('--model <file>', 'an ESRGAN, Real-ESRGAN or compact model; default: the starter’s ×4')
    .option('--scale <n>', 'how many times larger; default: what the model does', Number)
    .option('--tile <pixels>', 'side of a tile', Number)
    .option('--out <folder>', 'where the PNG files go', 'pictures')
    .option('--json', 'print the files as JSON')
    .action(upscale);
}

async function upscale(inputs: string[], { model, scale, tile, out, json }: Options): Promise<void> {
  usableFolder(out);
  const path = model ?? join(STARTER_FOLDER, 'little-world-x4.safetensors');
  const files: string[] = [];
  for (const picture of inputs.flatMap(picturesOf)) {
    const request = upscaleRequestSchema.safeParse({
      kind: 'upscale',
      image: { path: picture },
      upscaler: { name: basename(path), path },
      ...(scale !== undefined && { scale }),
      ...(tile !== undefined && { tile }),
    });
    if (!request.success) {
      const [issue] = request.error.issues;
      throw badInput(`${issue?.path.join('.')}: ${issue?.message}.`, 'See "emulsion upscale --help".');
    }
    const result = await runOnce({ kind: 'upscale', request: request.data });
    if (result.kind !== 'images') throw new Error('the engine answered something else than pictures');
    const [enlarged] = result.images;
    const stem = `${basename(picture, extname(picture))}-${enlarged!.width}x${enlarged!.height}`;
    const bytes = await encodeWithMetadata(enlarged!, 'png', { request: request.data });
    const file = await writeNew(() => freeName(out, stem), bytes);
    files.push(file);
    if (!json) console.log(file);
  }
  if (json) console.log(JSON.stringify({ files }, null, 2));
}

/** A file as it is; of a folder the pictures in it, by name. */
function picturesOf(input: string): string[] {
  const stat = statSync(input, { throwIfNoEntry: false });
  if (!stat) throw badInput(`${input}: there is no such file or folder.`, 'Check the path.');
  if (!stat.isDirectory()) return [input];
  const pictures = readdirSync(input)
    .filter((name) => PICTURE.test(name))
    .sort();
  if (pictures.length === 0)
    throw badInput(`${input}: there are no pictures in this folder.`, 'Choose another.');
  return pictures.map((name) => join(input, name));
}

/** Preprocessors of the user's own (depth, pose, line art): .onnx files in the data folder's `preprocessors`. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { StudioError } from '../../preload/errors.ts';

/** Begins the name of such a preprocessor in a request; the file's name without its ending follows. */
const PREFIX = 'onnx:';
const ENDING = '.onnx';

/** "onnx:depth" for depth.onnx, by name. */
export function ownPreprocessors(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => extname(name).toLowerCase() === ENDING)
    .map((name) => PREFIX + basename(name, extname(name)))
    .sort();
}

/**
 * What the engine is told for preprocessor `name`: a built-in one as it is, of the user's own its file.
 * @throws StudioError `not-found` for a name that is no file of the folder.
 */
export function locatedPreprocessor(folder: string, name: string): string {
  if (!name.startsWith(PREFIX)) return name;
  const own = name.slice(PREFIX.length);
  const path = join(folder, own + ENDING);
  if (basename(own) === own && existsSync(path)) return PREFIX + path;
  throw new StudioError(
    'not-found',
    `There is no preprocessor "${own}".`,
    `Put ${basename(own)}${ENDING} into ${folder}, or choose another preprocessor.`,
  );
}

/** Finds the model folders inside a ComfyUI, A1111 or plain tree, so that files can be used where they lie. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { StudioError } from '../../preload/errors.ts';
import type { ModelFolder, ModelType } from '../../preload/models.ts';
import { objectOf, textOf } from './loose.ts';

export interface FoundFolder {
  readonly path: string;
  readonly layout: ModelFolder['layout'];
  /** What the folder's name says its files are. */
  readonly expected: ModelType | null;
}

type FolderNames = readonly (readonly [name: string, type: ModelType])[];

// biome-ignore format: one table, read across
const COMFY_FOLDERS: FolderNames = [
  ['checkpoints', 'checkpoint'], ['loras', 'lora'], ['vae', 'vae'], ['controlnet', 'controlnet'],
  ['embeddings', 'embedding'], ['upscale_models', 'upscaler'], ['clip', 'text-encoder'], ['text_encoders', 'text-encoder'],
  ['clip_vision', 'image-encoder'], ['unet', 'unet'], ['diffusion_models', 'unet'], ['vae_approx', 'taesd'],
];
// biome-ignore format: one table, read across
const A1111_FOLDERS: FolderNames = [
  ['models/Stable-diffusion', 'checkpoint'], ['models/Lora', 'lora'], ['models/LyCORIS', 'lora'], ['models/VAE', 'vae'],
  ['models/ControlNet', 'controlnet'], ['models/ESRGAN', 'upscaler'], ['models/RealESRGAN', 'upscaler'],
  ['models/SwinIR', 'upscaler'], ['embeddings', 'embedding'],
];
/** Larger YAML is no configuration. */
const MAX_YAML_BYTES = 1 << 20;

/**
 * @param layout `auto` looks for the marks of each tool; a folder without any is `plain` (files of any type, recursively).
 * @throws StudioError `not-found` when there is no such folder, `bad-input` when a named layout is not there.
 */
export function findFolders(root: string, layout: ModelFolder['layout'] | 'auto'): FoundFolder[] {
  const path = existingFolder(root);
  const found = {
    comfyui: () => [...comfyFolders(path), ...extraPaths(path)],
    a1111: () => existing(path, A1111_FOLDERS, 'a1111'),
    plain: () => [{ path, layout: 'plain', expected: null } as const],
  };
  if (layout === 'auto') {
    return (
      [found.comfyui, found.a1111, found.plain].map((find) => find()).find(({ length }) => length > 0) ?? []
    );
  }
  const folders = found[layout]();
  if (folders.length > 0) return folders;
  throw new StudioError(
    'bad-input',
    `${path} does not look like a ${layout === 'a1111' ? 'Stable Diffusion WebUI' : 'ComfyUI'} folder.`,
    'Choose the folder that contains its "models" folder, or add it as a plain folder.',
  );
}

function existingFolder(root: string): string {
  try {
    const path = realpathSync(resolve(root));
    if (statSync(path).isDirectory()) return path;
  } catch {
    // Told below like a file that is no folder.
  }
  throw new StudioError(
    'not-found',
    `There is no folder ${root}.`,
    'Check the path; is the drive connected?',
  );
}

/** The root of ComfyUI, or its models folder itself. A lone `vae` folder is no ComfyUI. */
function comfyFolders(root: string): FoundFolder[] {
  for (const base of [join(root, 'models'), root]) {
    const folders = existing(base, COMFY_FOLDERS, 'comfyui');
    if (folders.some(({ expected }) => expected === 'checkpoint') && folders.length > 1) return folders;
  }
  return [];
}

function existing(base: string, names: FolderNames, layout: ModelFolder['layout']): FoundFolder[] {
  return names
    .map(([name, expected]) => ({ path: join(base, name), layout, expected }))
    .filter(({ path }) => isFolder(path));
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** `extra_model_paths.yaml`: sections with an optional base_path, and folder lists (one a line) by ComfyUI's folder names. */
function extraPaths(root: string): FoundFolder[] {
  const file = join(root, 'extra_model_paths.yaml');
  if (!existsSync(file) || statSync(file).size > MAX_YAML_BYTES) return [];
  const sections = Object.values(objectOf(readYaml(file))).map(objectOf);
  return sections.flatMap((section) => {
    const base = resolve(dirname(file), textOf(section['base_path']));
    return COMFY_FOLDERS.flatMap(([name, expected]) =>
      textOf(section[name])
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map((line) => (isAbsolute(line) ? line : join(base, line)))
        .filter(isFolder)
        .map((path) => ({ path, layout: 'comfyui' as const, expected })),
    );
  });
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'), { maxAliasCount: 100 });
  } catch (error) {
    throw new StudioError(
      'bad-input',
      `${file} is not readable YAML.`,
      'Correct the file, then add the folder again.',
      String(error),
    );
  }
}

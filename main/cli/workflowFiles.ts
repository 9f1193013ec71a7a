/** Where the files lie that a workflow names: in ComfyUI's or A1111's folders, in plain ones, in the starter set. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { ModelType } from '../../preload/models.ts';
import { badInput } from '../engine/border/failures.ts';
import { type FoundFolder, findFolders } from '../library/trees.ts';
import { type FileUse, FOLDERS, type Folder } from '../workflow/files.ts';

export interface Places {
  /** Roots of model trees, the first one wins. */
  readonly models: readonly string[];
  /** Folder of input pictures. */
  readonly input: string;
}

export type Tables = Readonly<Record<string, Readonly<Record<string, string>>>>;

const TYPES: Partial<Record<Folder, ModelType>> = {
  checkpoints: 'checkpoint',
  loras: 'lora',
  vae: 'vae',
  controlnet: 'controlnet',
  upscale_models: 'upscaler',
  embeddings: 'embedding',
};
const WEIGHTS = /\.(safetensors|ckpt|pt|pth|bin)$/i;
const STARTER = join(import.meta.dirname, '..', '..', 'starter');
/** Files beyond this many in one folder are not looked at. */
const MAX_FILES = 100_000;
/** Our own graphs may name a picture by its sha256. */
const HASH_NAME = /^([0-9a-f]{64})\.png$/;

/** Folder → name → path for everything that is found; what is missing is left out, the engine names it. */
export function locateFiles(uses: readonly FileUse[], places: Places): Tables {
  const roots = [...places.models, STARTER].flatMap(foldersIn);
  const find = ({ folder, name }: FileUse): string | undefined =>
    folder === 'input' ? findPicture(name, places.input) : findModel(name, TYPES[folder]!, roots);
  const table = (folder: Folder): Readonly<Record<string, string>> => {
    const named = uses.filter((use) => use.folder === folder);
    return Object.fromEntries(
      named.flatMap((use) => {
        const path = find(use);
        return path === undefined ? [] : [[use.name, path]];
      }),
    );
  };
  return Object.fromEntries(FOLDERS.map((folder) => [folder, table(folder)]));
}

function foldersIn(root: string): FoundFolder[] {
  if (root === STARTER && !existsSync(root)) return [];
  try {
    return findFolders(root, 'auto');
  } catch (error) {
    throw error instanceof StudioError ? badInput(error.message, error.hint) : error;
  }
}

/** By the path below the folder, then by file name alone, then by name without ending (as our own graphs may have it). */
function findModel(name: string, type: ModelType, folders: readonly FoundFolder[]): string | undefined {
  const wanted = name.replaceAll('\\', '/');
  const files = folders
    .filter(({ expected }) => expected === type || expected === null)
    .flatMap(({ path }) =>
      filesBelow(path)
        .filter((file) => WEIGHTS.test(file))
        .map((file) => ({ path, file })),
    );
  const sameStem = ({ file }: { file: string }): boolean =>
    basename(file).replace(WEIGHTS, '') === basename(wanted);
  const found =
    files.find(({ path, file }) => relative(path, file).replaceAll(sep, '/') === wanted) ??
    files.find(({ file }) => basename(file) === basename(wanted)) ??
    files.find(sameStem);
  return found?.file;
}

/** ComfyUI marks some names with the folder they are from: "cat.png [input]". */
function findPicture(name: string, folder: string): string | undefined {
  const wanted = name.replace(/ \[(input|output|temp)\]$/, '').replaceAll('\\', '/');
  const path = resolve(folder, wanted);
  const inside = !relative(resolve(folder), path).startsWith('..');
  if (inside && isFile(path)) return path;
  const files = filesBelow(folder);
  const [, hash] = HASH_NAME.exec(basename(wanted)) ?? [];
  return (
    files.find((file) => basename(file) === basename(wanted)) ??
    (hash === undefined ? undefined : files.find((file) => sha256Of(file) === hash))
  );
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .slice(0, MAX_FILES)
    .map((name) => join(folder, name));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function sha256Of(file: string): string | undefined {
  return isFile(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : undefined;
}

/** Calls that need more than one service: about the studio itself, hints, tokens, training. */
import { availableParallelism, totalmem } from 'node:os';
import { basename } from 'node:path';
import { StudioError } from '../../preload/errors.ts';
import type { ModelCard, ModelPatch, ModelPreview } from '../../preload/models.ts';
import type { ImageRef } from '../../preload/request.ts';
import type { Settings, SettingsPatch } from '../../preload/settings.ts';
import type { AppInfo, Devices, StoredImage, TokenCount } from '../../preload/studio.ts';
import type { EngineClient } from '../engine/border/client.ts';
import { outboxPath } from '../history/exporting.ts';
import { imagePath, storeUpload } from '../history/uploads.ts';
import { decodePixels, encodePixels } from '../images/codec.ts';
import { isPreprocessor, PREPROCESSOR_TABLE, preprocess } from '../images/hints/preprocessors.ts';
import { type Pixels, pixelsOf } from '../images/pixels.ts';
import { resizePixels } from '../images/resample.ts';
import { readCard, updateCard } from '../library/cards.ts';
import { locatedPreprocessor, ownPreprocessors } from '../library/preprocessors.ts';
import { CHUNK_CAPACITY, countTokens } from '../pipeline/text/countTokens.ts';
import { saveProjectFile } from '../projects/portable.ts';
import { openProject } from '../projects/projects.ts';
import { updateSettings } from '../storage/settings.ts';
import { listNotices } from './notices.ts';
import type { Services } from './services.ts';

export function appInfo({ options, folder, db }: Services): AppInfo {
  const starter = db.value<number>(
    "SELECT id FROM models WHERE type = 'checkpoint' AND state = 'ready' AND path LIKE ? || '%' ORDER BY file_name LIMIT 1",
    options.starterDir,
  );
  return {
    version: options.version,
    platform: process.platform,
    shell: options.shell.kind,
    dataDir: folder.root,
    modelsDir: folder.models,
    cores: availableParallelism(),
    totalMemory: totalmem(),
    starterCheckpoint: starter ?? null,
    notices: listNotices(db),
  };
}

/** Asks the side engine, which probes each provider with a small graph. */
export async function devices({ engines }: Services): Promise<Devices> {
  const result = await engines.side.run({ kind: 'devices' });
  if (result.kind !== 'devices')
    throw new StudioError('internal', 'The engine did not list its devices.', 'Try again.');
  const shown = result.devices.map(({ relativeError = null, gflops = null, ...device }) => ({
    ...device,
    relativeError,
    gflops,
  }));
  const reason = shown.find(({ name }) => name === result.chosen)?.reason ?? '';
  return { devices: shown, chosen: result.chosen, reason };
}

/** Each chunk's share of the text; counted as the encoder will. */
export function tokens(text: string, emphasis: 'comfy' | 'a1111'): TokenCount {
  const { tokens: count, boundaries } = countTokens(text, { emphasis });
  const starts = [0, ...boundaries];
  const chunks = starts.map((start, index) => {
    const end = starts[index + 1] ?? text.length;
    return { start, end, tokens: countTokens(text.slice(start, end), { emphasis }).tokens };
  });
  return { count, chunks, limit: CHUNK_CAPACITY };
}

/** Built-in ones, then those of the user's own. */
export function preprocessors({ folder }: Services) {
  const builtIn = Object.entries(PREPROCESSOR_TABLE).map(([name, { options }]) => ({
    name,
    options: [...options],
  }));
  const own = ownPreprocessors(folder.preprocessors).map((name) => ({ name, options: [...OWN_OPTIONS] }));
  return [...builtIn, ...own];
}

/** What the engine understands for a user's own network: how pixels are given to it, and whether its answer is turned over. */
const OWN_OPTIONS = [
  { name: 'normalise', default: 0, min: 0, max: 2, step: 1 },
  { name: 'invert', default: 0, min: 0, max: 1, step: 1 },
] as const;

interface HintInput {
  readonly image: ImageRef;
  readonly preprocessor: string;
  readonly options: Readonly<Record<string, number>>;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** The hint picture a ControlNet would see: built-in ones here, a user's own ones in the engine. */
export async function hint({ places, engines, folder }: Services, input: HintInput): Promise<StoredImage> {
  const { options, width, height } = input;
  const preprocessor = locatedPreprocessor(folder.preprocessors, input.preprocessor);
  const path = imagePath(places, input.image);
  const pixels = isPreprocessor(preprocessor)
    ? preprocess(preprocessor, await sized(path, width, height), options)
    : await engineHint(engines.side, path, preprocessor, options);
  return storeUpload(places, await encodePixels(pixels, 'png'));
}

async function sized(path: string, width: number | undefined, height: number | undefined): Promise<Pixels> {
  const pixels = await decodePixels(path);
  if (width === undefined || height === undefined) return pixels;
  return pixels.width === width && pixels.height === height
    ? pixels
    : resizePixels(pixels, width, height, 'lanczos');
}

async function engineHint(
  engine: EngineClient,
  image: string,
  preprocessor: string,
  options: Readonly<Record<string, number>>,
): Promise<Pixels> {
  const result = await engine.run({ kind: 'hint', image, preprocessor, options });
  const made = result.kind === 'images' ? result.images[0] : undefined;
  if (made === undefined)
    throw new StudioError('internal', `${preprocessor} made no picture.`, 'Choose another preprocessor.');
  return pixelsOf(made.data, made.width, made.height, made.channels);
}

/** Stores an uploaded picture. */
export async function upload({ places }: Services, file: Blob): Promise<StoredImage> {
  const name = file instanceof File ? file.name : 'the picture';
  return storeUpload(places, new Uint8Array(await file.arrayBuffer()), name);
}

/** Settings take effect at once: on the engines, the hashing and the listeners. */
export async function changeSettings(
  { db, events, library, engines, downloads }: Services,
  patch: SettingsPatch,
): Promise<Settings> {
  const settings = updateSettings(db, patch);
  engines.configure();
  library.startHashing();
  events.emit({ type: 'settings', settings });
  if (settings.networkLocked) await downloads.pauseAll();
  return settings;
}

/** Changes a card and tells all windows. */
export function updateModel(s: Services, id: number, patch: ModelPatch): ModelCard {
  updateCard(s.db, id, patch);
  return tellModel(s, id);
}

function tellModel({ db, places, events }: Services, id: number): ModelCard {
  const model = readCard(db, places.urls, id);
  events.emit({ type: 'model', model });
  return model;
}

/** A picture of the history, any stored picture, or null for the one found beside the file. */
export function setPreview(s: Services, id: number, preview: ModelPreview): ModelCard {
  const image = preview !== null && 'pictureId' in preview ? s.history.get(preview.pictureId).image : preview;
  const path = image === null ? null : imagePath(s.places, image);
  s.db.run('UPDATE models SET user_preview = ? WHERE id = ?', path, id);
  return tellModel(s, id);
}

/** To the path, or into the outbox for a browser to fetch. */
export async function saveProject({ db, places, folder }: Services, id: number, path: string | undefined) {
  const { name } = openProject(db, places.urls, id).project;
  const target = path ?? (await outboxPath(folder.outbox, `${name}.emulsion`));
  await saveProjectFile(places, id, target);
  if (path === undefined) return { path: null, url: places.urls.of('outbox', basename(target)) };
  db.run('UPDATE projects SET file = ? WHERE id = ?', target, id);
  return { path: target, url: null };
}

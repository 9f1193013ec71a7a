/** Anything dropped anywhere: a picture becomes the init image (and offers its settings), a model file goes to the library. */
import i18next from 'i18next';
import { create } from 'zustand';
import { StudioError } from '../../preload/errors.ts';
import type { FoundSettings } from '../../preload/history.ts';
import type { FileInspection } from '../../preload/models.ts';
import { pathOf, sendFile } from '../client.ts';
import type { PictureUse } from '../document/layer.ts';
import { attempt, showError, showInfo, showWork } from '../stores/notices.ts';
import { showProject } from '../stores/projectLog.ts';
import { studio } from '../stores/studio.ts';
import { addTrainingPictures } from '../stores/training.ts';
import { openDialog, useView } from '../stores/view.ts';
import { duration } from '../ui/format.ts';
import { toCanvas, toSketch, toUpscale } from './results.ts';

interface Dropped {
  /** Settings found in the picture dropped last, offered until taken or dismissed. */
  readonly offered: FoundSettings | null;
  /** A model file that waits for "move, copy or use in place". */
  readonly model: FileInspection | null;
  /** It came through the browser: it lies in the studio's waiting place and can only be taken in. */
  readonly sent: boolean;
}

export const useDropped = create<Dropped>(() => ({ offered: null, model: null, sent: false }));

/** Type of a picture dragged from our own wall. */
export const OWN_PICTURE = 'application/x-emulsion-picture';
const MODEL_FILE = /\.(safetensors|sft|ckpt|pt|pth)$/i;
/** Not a model of the library: a preprocessor of one's own, which has a folder of its own. */
const PREPROCESSOR_FILE = /\.onnx$/i;
const PROJECT_FILE = /\.emulsion$/i;
const PICTURE_FILE = /\.(png|jpe?g|webp|gif|bmp|tiff?|avif)$/i;
const isPicture = (file: File): boolean => file.type.startsWith('image/') || PICTURE_FILE.test(file.name);

/** Most pictures that become layers at once. */
const LAYERS_AT_ONCE = 12;

/** Takes dropped or chosen files in. */
export async function takeFiles(files: readonly File[]): Promise<void> {
  const model = files.find(({ name }) => MODEL_FILE.test(name));
  if (model !== undefined) return takeModelFile(model);
  const project = files.find(({ name }) => PROJECT_FILE.test(name));
  if (project !== undefined) return takeProjectFile(project);
  const pictures = files.filter(isPicture);
  const { mode } = useView.getState();
  if (mode === 'train') return addTrainingPictures(files);
  const [first] = files;
  if (pictures.length === 0 && first !== undefined)
    showInfo(
      i18next.t('drop.unknown', { name: first.name }),
      i18next.t(PREPROCESSOR_FILE.test(first.name) ? 'drop.onnx' : 'drop.unknown.hint'),
    );
  // Sketch and Upscale work on one picture; on the canvas each becomes a layer.
  const single = mode === 'sketch' || mode === 'upscale';
  for (const picture of pictures.slice(0, single ? 1 : LAYERS_AT_ONCE)) await takePicture(picture);
}

async function takePicture(file: File): Promise<void> {
  const stored = await attempt(() => studio().images.upload({ file }));
  if (stored === undefined) return;
  const picture: PictureUse = { image: stored.image, width: stored.width, height: stored.height };
  const { mode } = useView.getState();
  if (mode === 'sketch') toSketch(picture);
  else if (mode === 'upscale') toUpscale(picture);
  else toCanvas(file.name.replace(/\.\w+$/, ''), picture);
  const found = await attempt(() => studio().history.readSettings({ image: stored.image }));
  useDropped.setState({ offered: found === undefined || found.source === '' ? null : found });
}

async function takeModelFile(file: File): Promise<void> {
  const path = pathOf(file);
  const place = path ?? (await send('model', file));
  if (place === undefined) return;
  await inspectModel(place);
  useDropped.setState({ sent: path === null });
}

async function takeProjectFile(file: File): Promise<void> {
  const path = pathOf(file) ?? (await send('project', file));
  if (path !== undefined) await takePath(path);
}

/** How often the time left is told anew, in milliseconds. */
const TELL_EVERY = 500;

/** Sends a file from the browser to the studio; undefined when that failed or was stopped. */
async function send(kind: 'model' | 'project', file: File): Promise<string | undefined> {
  const stopped = new AbortController();
  const work = showWork(i18next.t('drop.sending', { name: file.name }), () => stopped.abort());
  const start = performance.now();
  let told = start;
  const onProgress = (share: number): void => {
    const now = performance.now();
    if (now - told < TELL_EVERY) return;
    told = now;
    const left = duration(((now - start) / 1000) * (1 / share - 1));
    work.tell(i18next.t('drop.sent', { percent: Math.round(100 * share), left }));
  };
  const place = await attempt(() => sendFile(kind, file, { onProgress, signal: stopped.signal }));
  work.done();
  return place;
}

async function inspectModel(path: string): Promise<void> {
  const model = await attempt(() => studio().models.inspect({ path }));
  if (model === undefined) return;
  if (model.state === 'broken')
    return showError(new StudioError('bad-input', model.reason, i18next.t('drop.broken')));
  useDropped.setState({ model });
  openDialog('import model');
}

/** A file opened with the app: a project is shown, a model is offered to the library. */
export async function takePath(path: string): Promise<void> {
  if (MODEL_FILE.test(path)) await inspectModel(path);
  else await attempt(async () => showProject(await studio().projects.openFile({ path })));
}

export const dismissOffer = (): void => useDropped.setState({ offered: null });

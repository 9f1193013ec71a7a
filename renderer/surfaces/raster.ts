/** The window's side of the raster worker: tells it what changed of the document, and keeps what it sends to be drawn. */
import { type StudioDocument, workArea } from '../document/document.ts';
import { type Rect, sameRect } from '../document/geometry.ts';
import { pictureOfKey } from '../document/layer.ts';
import {
  type Call,
  type CallName,
  type Calls,
  type Follow,
  type FromRaster,
  type InkTiles,
  listChange,
  type MaskPicture,
  type ToRaster,
} from '../raster/protocol.ts';
import { showError } from '../stores/notices.ts';
import { type LevelledCanvas, levelledCanvas } from './levels.ts';
import { pictureFile } from './pictures.ts';

export interface InkCanvas extends LevelledCanvas {
  /** Where it lies, in the pixels of the layer or of the document. */
  readonly extent: Rect;
}

/** What the worker has painted so far. */
export interface RasterView {
  readonly mask: MaskPicture | null;
  /** By layer id; `sketch` is the sketch. An ink that was painted on is another object. */
  readonly inks: ReadonlyMap<string, InkCanvas>;
}

interface Told {
  readonly document: StudioDocument;
  readonly cells: boolean;
}

const inks = new Map<string, InkCanvas>();
const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
const listeners = new Set<(news: 'mask' | 'ink' | 'settled') => void>();
let view: RasterView = { mask: null, inks };
let worker: Worker | null = null;
let told: Told | null = null;
let revision = 0;
let shown = 0;
let calls = 0;

export const rasterView = (): RasterView => view;

/** True while the worker has not shown everything that it was told. */
export const rasterBehind = (): boolean => shown < revision;

/** Hears when something new can be drawn, and when the newest document is shown; returns how to stop. */
export function onRaster(listener: (news: 'mask' | 'ink' | 'settled') => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells the worker what the document is now; `cells` asks for the latent's view of the mask. */
export function followDocument(document: StudioDocument, cells = told?.cells ?? false): void {
  if (told !== null && told.cells === cells && sameInk(told.document, document)) return;
  post(newsOf(told?.document ?? null, document, cells));
  told = { document, cells };
}

const sameInk = (a: StudioDocument, b: StudioDocument): boolean =>
  a.layers === b.layers &&
  a.mask === b.mask &&
  a.sketch === b.sketch &&
  a.frame === b.frame &&
  a.bounds === b.bounds;

function newsOf(before: StudioDocument | null, document: StudioDocument, cells: boolean): Follow {
  const { layers, mask, sketch, frame } = document;
  const paintBefore = (id: string) => before?.layers.find((layer) => layer.id === id)?.paint ?? [];
  return {
    type: 'follow',
    revision: ++revision,
    area: workArea(document),
    frame,
    cells,
    layers: layers.map((layer) => ({ ...layer, paint: listChange(paintBefore(layer.id), layer.paint) })),
    mask: { ...mask, operations: listChange(before?.mask.operations ?? [], mask.operations) },
    sketch: listChange(before?.sketch ?? [], sketch),
  };
}

/** Asks the worker something about a document. */
export function askRaster<Name extends CallName>(
  document: StudioDocument,
  name: Name,
  args: Calls[Name]['args'],
): Promise<Calls[Name]['answer']> {
  followDocument(document);
  const id = ++calls;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    post({ type: 'call', id, name, args } as Call);
  });
}

function post(message: ToRaster): void {
  worker ??= startWorker();
  worker.postMessage(message);
}

function startWorker(): Worker {
  const started = new Worker(new URL('../raster/worker.ts', import.meta.url), { type: 'module' });
  started.addEventListener('message', ({ data }: MessageEvent<FromRaster>) => take(data));
  // A worker that died is replaced, and told everything anew.
  started.addEventListener('error', (event) => {
    worker = null;
    told = null;
    shown = revision;
    const error = new Error(event.message || 'The canvas had to start over.');
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    showError(error);
  });
  return started;
}

function take(message: FromRaster): void {
  switch (message.type) {
    case 'mask':
      view.mask?.picture.close();
      view = { ...view, mask: message };
      announce('mask');
      break;
    case 'ink':
      takeTiles(message);
      view = { ...view };
      announce('ink');
      break;
    case 'followed':
      shown = message.revision;
      if (!rasterBehind()) settle();
      break;
    case 'wanted':
      void bring(message.key);
      break;
    case 'answer':
      waiting.get(message.id)?.resolve(message.answer as never);
      waiting.delete(message.id);
      break;
    case 'failed':
      if (message.id === null) showError(new Error(message.message));
      else waiting.get(message.id)?.reject(new Error(message.message));
      if (message.id !== null) waiting.delete(message.id);
      break;
  }
}

function announce(news: 'mask' | 'ink' | 'settled'): void {
  for (const listener of listeners) listener(news);
}

/** The worker is up to date: what belongs to layers that are gone is needed no more, on either side. */
function settle(): void {
  for (const id of inks.keys())
    if (id !== 'sketch' && !told?.document.layers.some((layer) => layer.id === id)) inks.delete(id);
  announce('settled');
}

/** Puts what changed into the canvas that is shown. */
function takeTiles({ target, extent, tiles }: InkTiles): void {
  const known = inks.get(target);
  const fits = known !== undefined && sameRect(known.extent, extent);
  const ink = fits ? { ...known } : { ...levelledCanvas(extent.width, extent.height), extent };
  inks.set(target, ink);
  for (const { x, y, picture } of tiles) {
    ink.put(picture, x, y);
    picture.close();
  }
}

async function bring(key: string): Promise<void> {
  const file = await pictureFile(pictureOfKey(key)).catch(() => null);
  post({ type: 'picture', key, file });
}

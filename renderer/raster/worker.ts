/** The raster worker: every pixel that the document's operations mean is computed here, so that the window never waits for one. */
import { rasterCalls } from './calls.ts';
import type { FromRaster, ToRaster } from './protocol.ts';
import { rasterState } from './state.ts';

const send = (message: FromRaster): void =>
  globalThis.postMessage(message, { transfer: transferable(message) });

function transferable(message: FromRaster): Transferable[] {
  if (message.type === 'mask') return [message.picture];
  if (message.type === 'answer') return message.answer instanceof ImageBitmap ? [message.answer] : [];
  return message.type === 'ink' ? message.tiles.map(({ picture }) => picture) : [];
}

const pictures = pictureShelf();
const state = rasterState(pictures.load);
const calls = rasterCalls(state, pictures.load);
const inbox: ToRaster[] = [];
let working = false;

globalThis.addEventListener('message', ({ data }: MessageEvent<ToRaster>) => {
  // Pictures are what the work at hand may be waiting for: they do not queue.
  if (data.type === 'picture') pictures.take(data.key, data.file);
  else {
    inbox.push(data);
    if (!working) void work();
  }
});

/** Works through the inbox in order; what is shown follows the newest document only. */
async function work(): Promise<void> {
  working = true;
  for (let message = inbox.shift(); message !== undefined; message = inbox.shift()) {
    if (message.type === 'call') await answer(message);
    else if (message.type === 'follow') {
      state.follow(message);
      // Lets what has arrived meanwhile into the inbox: a newer document makes this one's pixels needless.
      await new Promise((resolve) => setTimeout(resolve));
      if (!inbox.some(({ type }) => type === 'follow')) await show(message.revision);
    }
  }
  working = false;
}

async function show(revision: number): Promise<void> {
  try {
    for (const message of await state.news()) send(message);
  } catch (error) {
    send({ type: 'failed', id: null, message: String(error) });
  }
  send({ type: 'followed', revision });
}

async function answer({ id, name, args }: Extract<ToRaster, { type: 'call' }>): Promise<void> {
  try {
    send({ type: 'answer', id, answer: await calls[name](args as never) });
  } catch (error) {
    send({ type: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Bitmaps by key: asked for once, kept while they are among the last used. */
function pictureShelf() {
  const KEPT = 32;
  const shelf = new Map<string, Promise<ImageBitmap>>();
  const waiting = new Map<string, (file: Blob | null) => void>();
  const fetched = async (key: string): Promise<ImageBitmap> => {
    const file = await new Promise<Blob | null>((resolve) => {
      waiting.set(key, resolve);
      send({ type: 'wanted', key });
    });
    if (file === null) throw new Error('A picture of the canvas could not be loaded.');
    return createImageBitmap(file, { colorSpaceConversion: 'none' });
  };
  return {
    load(key: string): Promise<ImageBitmap> {
      const known = shelf.get(key) ?? fetched(key);
      shelf.delete(key);
      shelf.set(key, known);
      known.catch(() => shelf.delete(key));
      for (const old of [...shelf.keys()].slice(0, Math.max(0, shelf.size - KEPT))) shelf.delete(old);
      return known;
    },
    take(key: string, file: Blob | null): void {
      waiting.get(key)?.(file);
      waiting.delete(key);
    },
  };
}

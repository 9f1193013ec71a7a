/** A sweep as one picture: every cell in its place, the values above and beside them. */
import { shownValue } from '../request/sweep.ts';
import type { Cells, Sweep } from '../request/sweepCells.ts';
import { attempt } from '../stores/notices.ts';
import { useSweep } from '../stores/sweep.ts';
import { download } from './export.ts';

const GAP = 8;
/** Longest edge of what is written, in pixels: what every viewer still opens. */
const LONGEST = 12_000;
/** Edge of a cell while there is no picture to take it from. */
const EDGE = 128;
const FONT = '"Inter Variable", "Noto Sans SC Variable", sans-serif';

type Bitmaps = readonly (readonly (ImageBitmap | null)[])[];

/** Saves the grid as it is now: a PNG in the downloads. */
export async function exportSweep(): Promise<void> {
  const { sweep } = useSweep.getState();
  if (sweep === null) return;
  await attempt(async () => {
    const bitmaps = await loadBitmaps(sweep.cells);
    const url = URL.createObjectURL(await drawn(sweep, bitmaps));
    download(url, 'sweep.png');
    // The download has its own hold on the file by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
}

const loadBitmaps = (cells: Cells): Promise<Bitmaps> =>
  Promise.all(cells.map((row) => Promise.all(row.map(({ url }) => (url === null ? null : bitmapOf(url))))));

async function bitmapOf(url: string): Promise<ImageBitmap> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The picture could not be loaded (${answer.status}).`);
  return createImageBitmap(await answer.blob(), { colorSpaceConversion: 'none' });
}

function drawn({ x, y }: Sweep, bitmaps: Bitmaps): Promise<Blob> {
  const all = bitmaps.flat().filter((bitmap) => bitmap !== null);
  const largest = (of: 'width' | 'height') => Math.max(EDGE, ...all.map((bitmap) => bitmap[of]));
  const [columns, rows] = [x.values.length, bitmaps.length];
  const scale = Math.min(
    1,
    LONGEST / ((columns + 1) * (largest('width') + GAP)),
    LONGEST / ((rows + 1) * (largest('height') + GAP)),
  );
  const [width, height] = [Math.round(largest('width') * scale), Math.round(largest('height') * scale)];
  const size = Math.min(Math.max(Math.round(width / 10), 12), 40);
  const head = 2 * size;
  const side = y === null ? GAP : Math.round(width * 0.75);
  const canvas = new OffscreenCanvas(side + columns * (width + GAP), head + rows * (height + GAP));
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(context, {
    fillStyle: '#111',
    font: `${size}px ${FONT}`,
    textAlign: 'center',
    textBaseline: 'middle',
  });
  x.values.forEach((value, j) => {
    context.fillText(shownValue(x, value), side + j * (width + GAP) + width / 2, head / 2, width);
  });
  y?.values.forEach((value, i) => {
    context.fillText(shownValue(y, value), side / 2, head + i * (height + GAP) + height / 2, side - 2 * GAP);
  });
  bitmaps.forEach((row, i) => {
    row.forEach((bitmap, j) => {
      if (bitmap === null) return;
      const [w, h] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
      context.drawImage(bitmap, side + j * (width + GAP), head + i * (height + GAP), w, h);
      bitmap.close();
    });
  });
  return canvas.convertToBlob({ type: 'image/png' });
}

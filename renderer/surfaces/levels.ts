/** Smaller copies of large pictures: what is shown at a quarter of its size is drawn from a quarter of its pixels. */

/** Halvings kept at most; pictures shorter than `LARGE` on both edges need none. */
const HALVINGS = 3;
const LARGE = 1024;

/** How often a picture may be halved and still have a pixel for each of the screen's. `scale` is screen pixels per picture pixel. */
export const levelFor = (scale: number): number =>
  Math.min(Math.max(Math.floor(-Math.log2(scale)), 0), HALVINGS);

const isLarge = ({ width, height }: { readonly width: number; readonly height: number }): boolean =>
  Math.max(width, height) > LARGE;

/** A canvas with its halves, its quarters and so on, all kept in step. */
export interface LevelledCanvas {
  /** Largest first. */
  readonly levels: readonly OffscreenCanvas[];
  /** Replaces a part, in full-size pixels. */
  readonly put: (picture: ImageBitmap, x: number, y: number) => void;
}

export function levelledCanvas(width: number, height: number): LevelledCanvas {
  const count = isLarge({ width, height }) ? HALVINGS + 1 : 1;
  const levels = Array.from(
    { length: count },
    (_, level) => new OffscreenCanvas(Math.ceil(width / 2 ** level), Math.ceil(height / 2 ** level)),
  );
  return {
    levels,
    put(picture, x, y) {
      levels.forEach((canvas, level) => {
        const context = canvas.getContext('2d')!;
        context.imageSmoothingQuality = 'medium';
        const at = [x, y, picture.width, picture.height].map((value) => value / 2 ** level);
        const [left, top, wide, high] = at as [number, number, number, number];
        context.clearRect(left, top, wide, high);
        context.drawImage(picture, left, top, wide, high);
      });
    },
  };
}

/** By bitmap: its half, its quarter and so on, as far as they were asked for. */
const halves = new WeakMap<ImageBitmap, Halves>();
interface Halves {
  readonly made: Map<number, ImageBitmap>;
  readonly making: Map<number, Promise<ImageBitmap>>;
}

/**
 * A bitmap, or a smaller copy of it once that has been made; `changed` is called then. Until then the copy nearest in size,
 * and null where there is none: drawing a large bitmap small takes a quarter of a second.
 */
export function reducedBitmap(bitmap: ImageBitmap, level: number, changed: () => void): ImageBitmap | null {
  if (level === 0 || !isLarge(bitmap)) return bitmap;
  const { made, making } = halves.get(bitmap) ?? { made: new Map(), making: new Map() };
  halves.set(bitmap, { made, making });
  if (!making.has(level)) void halved(bitmap, level, { made, making }).then(changed);
  const levels = [...made.keys()].toSorted((a, b) => Math.abs(a - level) - Math.abs(b - level));
  return levels[0] === undefined ? null : made.get(levels[0])!;
}

/** Each copy is half of the one before it: a mean of four pixels, and a task of the window of a few hundredths of a second at most. */
function halved(bitmap: ImageBitmap, level: number, halves: Halves): Promise<ImageBitmap> {
  const known = halves.making.get(level);
  if (known !== undefined) return known;
  const copy = async () => {
    const larger = level === 1 ? bitmap : await halved(bitmap, level - 1, halves);
    // Without room for a copy the larger one is drawn, slowly.
    const half = await createImageBitmap(larger, {
      resizeWidth: Math.ceil(larger.width / 2),
      resizeHeight: Math.ceil(larger.height / 2),
      resizeQuality: 'low',
    }).catch(() => larger);
    halves.made.set(level, half);
    return half;
  };
  const promise = copy();
  halves.making.set(level, promise);
  return promise;
}

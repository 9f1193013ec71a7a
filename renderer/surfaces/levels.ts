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

const halves = new WeakMap<ImageBitmap, (ImageBitmap | undefined)[]>();

/** A bitmap, or a smaller copy of it once that has been made; `made` is called then. */
export function reducedBitmap(bitmap: ImageBitmap, level: number, made: () => void): ImageBitmap {
  if (level === 0 || !isLarge(bitmap)) return bitmap;
  const known = halves.get(bitmap) ?? [];
  halves.set(bitmap, known);
  if (!(level in known)) {
    known[level] = undefined;
    const resizeWidth = Math.ceil(bitmap.width / 2 ** level);
    const resizeHeight = Math.ceil(bitmap.height / 2 ** level);
    void createImageBitmap(bitmap, { resizeWidth, resizeHeight, resizeQuality: 'medium' }).then((reduced) => {
      known[level] = reduced;
      made();
    });
  }
  return known[level] ?? bitmap;
}

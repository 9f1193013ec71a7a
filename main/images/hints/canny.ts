/**
 * Canny edges (Canny 1986) to the pixel as OpenCV's cv2.Canny with aperture 3 draws them:
 * 3×3 Sobel, non-maximum suppression along four directions in integers, hysteresis over 8 neighbours.
 */

export interface CannyOptions {
  /** Weaker edges (magnitude above `low`) are kept where they touch a strong one (above `high`). 0–255 is usual. */
  readonly low: number;
  readonly high: number;
  /** Magnitude √(dx²+dy²) instead of |dx|+|dy|. */
  readonly l2?: boolean;
}

/** tan 22.5° in 15-bit fixed point, the border between horizontal and diagonal. */
const TAN_22 = 13573;
const SHIFT = 15;

/**
 * Edge map [H·W] of 0 and 255 from interleaved bytes of 1, 3 or 4 channels (the fourth is ignored).
 * With three channels the one with the largest gradient magnitude decides, the first of equals.
 */
export function canny(
  data: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3 | 4,
  options: CannyOptions,
): Uint8Array<ArrayBuffer> {
  const gradient = sobel(data, width, height, channels, options.l2 === true);
  const [low, high] = thresholds(options);
  return hysteresis(suppressed(gradient, width, height, low, high), width, height);
}

/** dx and dy per pixel; magnitudes have a border of one pixel of 0 all around: [(H+2)·(W+2)]. */
interface Gradient {
  readonly dx: Int16Array;
  readonly dy: Int16Array;
  readonly magnitude: Int32Array;
}

function thresholds({ low, high, l2 }: CannyOptions): [low: number, high: number] {
  const ordered: [number, number] = low <= high ? [low, high] : [high, low];
  if (!l2) return [Math.floor(ordered[0]), Math.floor(ordered[1])];
  const squared = ordered.map((value) => (value > 0 ? Math.min(32767, value) ** 2 : value));
  return [Math.floor(squared[0]!), Math.floor(squared[1]!)];
}

function sobel(data: Uint8Array, width: number, height: number, channels: number, l2: boolean): Gradient {
  const dx = new Int16Array(width * height);
  const dy = new Int16Array(width * height);
  const magnitude = new Int32Array((width + 2) * (height + 2));
  const planes = Math.min(3, channels);
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width;
    const here = y * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      let best = -1;
      for (let c = 0; c < planes; c++) {
        const a = data[(above + left) * channels + c]!;
        const b = data[(above + right) * channels + c]!;
        const d = data[(below + left) * channels + c]!;
        const e = data[(below + right) * channels + c]!;
        const gx =
          b - a + 2 * (data[(here + right) * channels + c]! - data[(here + left) * channels + c]!) + e - d;
        const gy =
          d - a + 2 * (data[(below + x) * channels + c]! - data[(above + x) * channels + c]!) + e - b;
        const size = l2 ? gx * gx + gy * gy : Math.abs(gx) + Math.abs(gy);
        if (size <= best) continue;
        best = size;
        dx[here + x] = gx;
        dy[here + x] = gy;
      }
      magnitude[(y + 1) * (width + 2) + x + 1] = best;
    }
  }
  return { dx, dy, magnitude };
}

const NONE = 0;
const WEAK = 1;
const STRONG = 2;

/** Keeps pixels that are the largest across their edge; ties go to the side cv2 gives them to. */
function suppressed(
  { dx, dy, magnitude }: Gradient,
  width: number,
  height: number,
  low: number,
  high: number,
): Uint8Array {
  const marks = new Uint8Array(width * height);
  const stride = width + 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const at = (y + 1) * stride + x + 1;
      const size = magnitude[at]!;
      if (size <= low) continue;
      if (isRidge(magnitude, at, stride, dx[i]!, dy[i]!)) marks[i] = size > high ? STRONG : WEAK;
    }
  }
  return marks;
}

function isRidge(magnitude: Int32Array, at: number, stride: number, dx: number, dy: number): boolean {
  const size = magnitude[at]!;
  const x = Math.abs(dx);
  const y = Math.abs(dy) << SHIFT;
  const flat = x * TAN_22;
  if (y < flat) return size > magnitude[at - 1]! && size >= magnitude[at + 1]!;
  // tan 67.5° = tan 22.5° + 2
  const steep = flat + (x << (SHIFT + 1));
  if (y > steep) return size > magnitude[at - stride]! && size >= magnitude[at + stride]!;
  const side = (dx ^ dy) < 0 ? -1 : 1;
  return size > magnitude[at - stride - side]! && size > magnitude[at + stride + side]!;
}

/** Follows every strong mark through the weak ones that touch it. */
function hysteresis(marks: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const edges = new Uint8Array(width * height);
  const stack: number[] = [];
  marks.forEach((mark, i) => {
    if (mark === STRONG) stack.push(i);
  });
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    edges[i] = 255;
    const y = Math.floor(i / width);
    const x = i - y * width;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const neighbour = ny * width + nx;
        if (marks[neighbour] !== WEAK) continue;
        marks[neighbour] = NONE;
        stack.push(neighbour);
      }
    }
  }
  return edges;
}

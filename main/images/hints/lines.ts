/** Line pictures without a network: scribbles from strokes or photographs, soft edges. White lines on black, as ControlNets expect. */
import { gaussianPlane, growMask, type Mask, maskOf } from '../masks.ts';
import { type Pixels, pixelsOf } from '../pixels.ts';
import { canny } from './canny.ts';

/** The side that line widths and blurs below are meant for; larger pictures get them in proportion. */
const REFERENCE_SIDE = 512;

export interface ScribbleOptions {
  /** 0 = decide by looking, 1 = the picture is a drawing, 2 = it is a photograph or painting. */
  readonly source: number;
  /** Photographs: edges weaker than this are left out, 0–255. */
  readonly threshold: number;
  /** Photographs: blur before looking for edges, in pixels of a 512-pixel picture. */
  readonly sigma: number;
  /** Photographs: width of the drawn line, in pixels of a 512-pixel picture. */
  readonly thickness: number;
}

/** A drawing's own strokes, whatever their colours, or the coarse outlines of a photograph as if drawn with a pen. */
export function scribble(pixels: Pixels, options: ScribbleOptions): Pixels {
  const ink = inkOf(pixels);
  const drawing = options.source === 1 || (options.source === 0 && isDrawing(ink));
  return greyPixels(drawing ? ink : outlines(pixels, options));
}

export interface SoftEdgeOptions {
  /** The finest edges looked for, in pixels; twice and four times that are looked for too. */
  readonly sigma: number;
  readonly gain: number;
}

/** Edges as grey values: gradient magnitudes of the strongest channel, averaged over three scales. */
export function softEdge(pixels: Pixels, { sigma, gain }: SoftEdgeOptions): Pixels {
  const { width, height } = pixels;
  const sum = new Float32Array(width * height);
  for (const scale of [sigma, 2 * sigma, 4 * sigma]) {
    const strength = new Float32Array(width * height);
    for (const plane of planesOf(pixels)) {
      gradientMaximum(gaussianPlane(plane, width, height, scale), width, height, strength);
    }
    // A step edge of height A blurred by σ has the slope A/(σ√2π): undone, every scale speaks equally loud.
    const unit = (scale * Math.sqrt(2 * Math.PI)) / 3;
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + strength[i]! * unit;
  }
  const loudest = Math.max(0.1, percentile(sum, 0.99));
  return greyPixels(
    maskOf(
      sum.map((value) => Math.min(1, (value / loudest) * gain)),
      width,
      height,
    ),
  );
}

/** A plane of 0–1 as a grey RGB picture. */
export function greyPixels({ width, height, data }: Mask): Pixels {
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) out.fill(Math.round(data[i]! * 255), i * 3, i * 3 + 3);
  return pixelsOf(out, width, height, 3);
}

/** 1 where a pixel differs clearly from the background, which is the most frequent colour. */
function inkOf({ width, height, channels, data }: Pixels): Mask {
  const [red, green, blue] = commonestColor(data, channels);
  const ink = new Float32Array(width * height);
  for (let i = 0, at = 0; i < ink.length; i++, at += channels) {
    const difference = Math.max(
      Math.abs(data[at]! - red),
      Math.abs(data[at + 1]! - green),
      Math.abs(data[at + 2]! - blue),
    );
    ink[i] = difference > 64 ? 1 : 0;
  }
  return maskOf(ink, width, height);
}

/** Middle of the fullest cell of a 16×16×16 colour histogram. */
function commonestColor(data: Uint8Array, channels: number): [number, number, number] {
  const counts = new Uint32Array(4096);
  for (let at = 0; at < data.length; at += channels) {
    const cell = ((data[at]! >> 4) << 8) | ((data[at + 1]! >> 4) << 4) | (data[at + 2]! >> 4);
    counts[cell] = counts[cell]! + 1;
  }
  const fullest = counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0));
  return [(fullest >> 8) * 17, ((fullest >> 4) & 15) * 17, (fullest & 15) * 17];
}

/** A drawing is mostly background, and its ink is thin: next to nothing is left when 2 % of the side is taken off. */
function isDrawing(ink: Mask): boolean {
  const inked = total(ink);
  if (inked === 0 || inked > ink.data.length / 2) return false;
  const thin = Math.max(2, Math.min(ink.width, ink.height) * 0.02);
  return total(growMask(ink, -thin)) < inked * 0.05;
}

function outlines(pixels: Pixels, { threshold, sigma, thickness }: ScribbleOptions): Mask {
  const { width, height } = pixels;
  const scale = Math.max(1, Math.min(width, height) / REFERENCE_SIDE);
  const blurred = interleaved(
    planesOf(pixels).map((plane) => gaussianPlane(plane, width, height, sigma * scale)),
  );
  const edges = canny(blurred, width, height, 3, { low: (threshold / scale) * 0.5, high: threshold / scale });
  const lines = maskOf(
    Float32Array.from(edges, (value) => value / 255),
    width,
    height,
  );
  return growMask(lines, Math.max(0, (thickness * scale - 1) / 2));
}

function planesOf({ width, height, channels, data }: Pixels): Float32Array[] {
  return [0, 1, 2].map((c) =>
    Float32Array.from({ length: width * height }, (_, i) => data[i * channels + c]! / 255),
  );
}

function interleaved(planes: readonly Float32Array[]): Uint8Array {
  const out = new Uint8Array(planes[0]!.length * 3);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(planes[i % 3]![Math.floor(i / 3)]! * 255);
  return out;
}

/** Raises `strength` to the plane's gradient magnitude (central differences, border replicated) where that is larger. */
function gradientMaximum(plane: Float32Array, width: number, height: number, strength: Float32Array): void {
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const here = y * width;
      const dx = (plane[here + Math.min(width - 1, x + 1)]! - plane[here + Math.max(0, x - 1)]!) / 2;
      const dy = (plane[below + x]! - plane[above + x]!) / 2;
      strength[here + x] = Math.max(strength[here + x]!, Math.hypot(dx, dy));
    }
  }
}

function percentile(values: Float32Array, part: number): number {
  return Float32Array.from(values).sort()[Math.floor(part * (values.length - 1))]!;
}

function total(mask: Mask): number {
  return mask.data.reduce((sum, value) => sum + value, 0);
}

/** Enlarging pictures with an upscaler network: tiles through a session, bytes in and out, alpha kept. */
import type { InferenceSession } from 'onnxruntime-node';
import { compileUpscaler } from '../../../native-models/compile.ts';
import { inferUpscaler } from '../../../native-models/inspect/upscaler.ts';
import type { EsrganConfig } from '../../../native-models/models/configs.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError, type WeightsFile } from '../../../native-models/weights/tensors.ts';
import { crop } from '../../images/compose.ts';
import { type Mask, maskFromChannel } from '../../images/masks.ts';
import { type Pixels, pixelsOf } from '../../images/pixels.ts';
import { resizeMask, resizePixels } from '../../images/resample.ts';
import { type Tensor, tensor } from '../../pipeline/tensor.ts';
import { type Area, tileCount, upscaleInStrips, upscalePlan } from '../../pipeline/upscale.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import { runOne, toOrt } from '../runtime/tensors.ts';

/** A loaded upscaler. */
export interface OpenUpscaler {
  readonly config: EsrganConfig;
  /** [1, 3, H, W] in 0–1 → [1, 3, scale·H, scale·W], not clamped. */
  run(image: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** How a picture is enlarged. */
export interface UpscaleOptions {
  /** Side of a tile in input pixels; 256 unless told. */
  readonly tile?: number;
  /** Final scale; by default the network's own. The difference is made up by resampling. */
  readonly scale?: number;
  readonly onTile?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const DEFAULT_TILE = 256;

/** Throws WeightsError when the file is no upscaler of the ESRGAN family for colour pictures. */
export async function openUpscaler(
  file: WeightsFile,
  options: SessionOptions = DEFAULT_SESSION,
): Promise<OpenUpscaler> {
  const tensors = canonicalTensors(file, 'upscaler');
  const config = inferUpscaler(tensors, file.path);
  if (config.imageChannels !== 3)
    throw new WeightsError(
      file.path,
      `it enlarges pictures of ${config.imageChannels} channels`,
      'Choose an upscaler for colour pictures',
    );
  const graph = compileUpscaler(fileParameters(file.path, tensors), config, options.target);
  const session: InferenceSession = await createSession(graph, options);
  return {
    config,
    run: (image) => runOne(session, { image: toOrt(image) }, 'upscaled'),
    release: () => session.release(),
  };
}

/**
 * The picture enlarged. Holds the two pictures as bytes and, in float32, one row of tiles: the memory in between does
 * not depend on the height. Alpha is enlarged by bicubic interpolation.
 */
export async function upscaleImage(
  pixels: Pixels,
  upscaler: OpenUpscaler,
  options: UpscaleOptions = {},
): Promise<Pixels> {
  const { scale } = upscaler.config;
  const { channels } = pixels;
  const [width, height] = [pixels.width * scale, pixels.height * scale];
  const out = new Uint8ClampedArray(width * height * channels);
  const alpha = channels === 4 ? maskFromChannel(pixels, 3) : undefined;
  await upscaleInStrips(pixels, upscalePlan(upscaler.config, options.tile ?? DEFAULT_TILE), {
    read: (area) => readArea(pixels, area),
    run: upscaler.run,
    emit: (top, rows) => {
      writeRows(out, channels, top, rows);
      if (alpha) writeAlpha(out, top, rows.shape[2]!, alpha, scale);
    },
    ...(options.onTile && { onTile: options.onTile }),
    ...(options.signal && { signal: options.signal }),
  });
  const enlarged = pixelsOf(new Uint8Array(out.buffer), width, height, channels);
  return atScale(pixels, enlarged, options.scale ?? scale);
}

/** How many tiles upscaleImage will run. */
export function upscaleSteps({ width, height }: Pixels, { config }: OpenUpscaler, tile: number): number {
  return tileCount(width, height, upscalePlan(config, tile));
}

function atScale({ width, height }: Pixels, enlarged: Pixels, scale: number): Pixels {
  return resizePixels(enlarged, Math.round(width * scale), Math.round(height * scale), 'lanczos');
}

/** Colours of an area in 0–1; beyond the picture's edges it is mirrored, as Real-ESRGAN pads. */
function readArea({ data, width, height, channels }: Pixels, area: Area): Tensor {
  const plane = area.width * area.height;
  const values = new Float32Array(3 * plane);
  for (let y = 0; y < area.height; y++) {
    const row = mirrored(area.y + y, height) * width;
    for (let x = 0; x < area.width; x++) {
      const from = (row + mirrored(area.x + x, width)) * channels;
      const to = y * area.width + x;
      for (let c = 0; c < 3; c++) values[c * plane + to] = data[from + c]! / 255;
    }
  }
  return tensor(values, [1, 3, area.height, area.width]);
}

/** 0 1 2 | 1 0: the edge itself is not repeated. */
function mirrored(at: number, size: number): number {
  return at < size ? at : Math.max(0, 2 * (size - 1) - at);
}

/** A clamped array rounds half to even and clamps by itself. */
function writeRows(out: Uint8ClampedArray, channels: number, top: number, { data, shape }: Tensor): void {
  const [, , rows = 0, width = 0] = shape;
  const plane = rows * width;
  for (let i = 0, to = top * width * channels; i < plane; i++, to += channels)
    for (let c = 0; c < 3; c++) out[to + c] = data[c * plane + i]! * 255;
}

/** Source rows beyond those being written that bicubic interpolation looks at. */
const ALPHA_REACH = 3;

function writeAlpha(out: Uint8ClampedArray, top: number, rows: number, alpha: Mask, scale: number): void {
  const first = Math.max(0, Math.floor(top / scale) - ALPHA_REACH);
  const last = Math.min(alpha.height, Math.ceil((top + rows) / scale) + ALPHA_REACH);
  const width = alpha.width * scale;
  const part = crop(alpha, { x: 0, y: first, width: alpha.width, height: last - first });
  const large = resizeMask(part, width, (last - first) * scale, 'bicubic');
  const skipped = (top - first * scale) * width;
  for (let i = 0; i < rows * width; i++) out[(top * width + i) * 4 + 3] = large.data[skipped + i]! * 255;
}

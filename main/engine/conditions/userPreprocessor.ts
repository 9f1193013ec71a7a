/**
 * A preprocessor that the user brings as an .onnx file (depth, pose, line art): one picture in, one picture out.
 * Input: float32 [1, 3, H, W], RGB; sizes that the file fixes are obeyed by resizing. Output: [1, 1 or 3, H, W] or
 * [1, H, W]; one channel is stretched from its smallest to its largest value (a depth map has no unit), three are 0–1.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { type ColourStatistics, normalised } from '../../images/normalise.ts';
import { fromTensor, type Pixels, toTensor, withoutAlpha } from '../../images/pixels.ts';
import { resizePixels } from '../../images/resample.ts';
import { type Tensor, tensor } from '../../pipeline/tensor.ts';
import { badInput, EngineError, firstLineOf } from '../border/failures.ts';
import { openOnnxFile } from '../runtime/sessions.ts';
import { fromOrt, toOrt } from '../runtime/tensors.ts';

/** What `options.normalise` chooses: pixels as 0–1, by ImageNet's mean and deviation, or as −1…1. */
const NORMALISATIONS: readonly [ColourStatistics, ...ColourStatistics[]] = [
  { mean: [0, 0, 0], deviation: [1, 1, 1] },
  { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
];

/** Sides of most such networks are multiples of this. */
const SIDE_STEP = 32;
/** Larger files are no preprocessors; the limit keeps a mistaken choice from filling the memory. */
const MAX_FILE_BYTES = 2 ** 31;

/** The hint at the size of `source`. Options: `normalise` 0–2, `invert` 0 or 1. Throws bad input that names the file. */
export async function runUserPreprocessor(
  path: string,
  source: Pixels,
  options: Readonly<Record<string, number>>,
): Promise<Pixels> {
  const session = await openUserFile(path);
  try {
    const { width, height } = inputSize(session, source);
    const picture = resizePixels(withoutAlpha(source), width, height, 'bicubic');
    const colours = NORMALISATIONS[options['normalise'] ?? 0] ?? NORMALISATIONS[0];
    const input = normalised(toTensor([picture], 'unit'), colours);
    const outputs = await session.run({ [session.inputNames[0]!]: toOrt(input) });
    const hint = asPicture(fromOrt(outputs[session.outputNames[0]!]), options['invert'] === 1);
    return resizePixels(hint, source.width, source.height, 'bicubic');
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw badInput(
      `${basename(path)}: the preprocessor failed: ${firstLineOf(cause)}`,
      'It must take one picture [1, 3, H, W] and give one.',
    );
  } finally {
    await session.release();
  }
}

async function openUserFile(path: string): Promise<InferenceSession> {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined)
    throw badInput(`${basename(path)}: there is no such preprocessor.`, `Put the file back at ${path}.`);
  if (size > MAX_FILE_BYTES) throw badInput(`${basename(path)} is too large for a preprocessor.`);
  try {
    return await openOnnxFile(path);
  } catch (cause) {
    throw badInput(
      `${basename(path)} is not an ONNX file that can be opened: ${firstLineOf(cause)}`,
      'Export the preprocessor again.',
    );
  }
}

/** The file's own size where it has one, else the picture's, rounded to what such networks take. */
function inputSize(session: InferenceSession, source: Pixels): { width: number; height: number } {
  const metadata = session.inputMetadata[0];
  const shape = metadata?.isTensor ? metadata.shape : [];
  const side = (axis: number, length: number): number => {
    const fixed = shape[axis];
    return typeof fixed === 'number' && fixed > 0
      ? fixed
      : Math.max(SIDE_STEP, Math.round(length / SIDE_STEP) * SIDE_STEP);
  };
  return { width: side(3, source.width), height: side(2, source.height) };
}

function asPicture({ data, shape }: Tensor, invert: boolean): Pixels {
  const [height = 0, width = 0] = shape.slice(-2);
  const plane = height * width;
  const channels = data.length / plane;
  if (channels !== 1 && channels !== 3) throw new RangeError(`its output is [${shape.join(', ')}]`);
  const unit = channels === 1 ? stretched(data) : data;
  const rgb = new Float32Array(3 * plane);
  for (let i = 0; i < rgb.length; i++) {
    const value = unit[i % unit.length]!;
    rgb[i] = invert ? 1 - value : value;
  }
  return fromTensor(tensor(rgb, [1, 3, height, width]), 'unit')[0]!;
}

function stretched(values: Float32Array): Float32Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const span = high - low || 1;
  return values.map((value) => (value - low) / span);
}

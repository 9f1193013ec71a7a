/** The table of preprocessors that need no download: what the panel shows and the engine runs. */
import { PREPROCESSORS } from '../../../preload/request.ts';
import { maskOf } from '../masks.ts';
import { type Pixels, withoutAlpha } from '../pixels.ts';
import { canny } from './canny.ts';
import { greyPixels, scribble, softEdge } from './lines.ts';
import { blur, invert, threshold, tile } from './tones.ts';

export type PreprocessorName = (typeof PREPROCESSORS)[number];

/** One number a preprocessor takes. `step` 1 = whole numbers; a switch is 0 to 1. */
export interface PreprocessorOption {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

export interface Preprocessor {
  readonly options: readonly PreprocessorOption[];
  /** Source picture → hint image of the same size, RGB. `options` holds every option, within its limits. */
  readonly run: (pixels: Pixels, options: Readonly<Record<string, number>>) => Pixels;
}

// biome-ignore format: one table, read across
export const PREPROCESSOR_TABLE: Readonly<Record<PreprocessorName, Preprocessor>> = {
  none: { options: [], run: (pixels) => withoutAlpha(pixels) },
  canny: {
    options: [
      { name: 'low', default: 100, min: 1, max: 255, step: 1 },
      { name: 'high', default: 200, min: 1, max: 255, step: 1 },
      { name: 'l2', default: 0, min: 0, max: 1, step: 1 },
    ],
    run: (pixels, options) => cannyHint(pixels, options['low']!, options['high']!, options['l2'] === 1),
  },
  scribble: {
    options: [
      { name: 'source', default: 0, min: 0, max: 2, step: 1 },
      { name: 'threshold', default: 100, min: 1, max: 255, step: 1 },
      { name: 'sigma', default: 2, min: 0.5, max: 8, step: 0.1 },
      { name: 'thickness', default: 3, min: 1, max: 16, step: 1 },
    ],
    run: (pixels, options) => scribble(pixels, {
      source: options['source']!, threshold: options['threshold']!, sigma: options['sigma']!, thickness: options['thickness']!,
    }),
  },
  softedge: {
    options: [
      { name: 'sigma', default: 1, min: 0.5, max: 4, step: 0.1 },
      { name: 'gain', default: 1, min: 0.25, max: 4, step: 0.05 },
    ],
    run: (pixels, options) => softEdge(pixels, { sigma: options['sigma']!, gain: options['gain']! }),
  },
  invert: {
    options: [{ name: 'always', default: 0, min: 0, max: 1, step: 1 }],
    run: (pixels, options) => invert(pixels, options['always'] === 1),
  },
  threshold: {
    options: [{ name: 'threshold', default: 127, min: 0, max: 255, step: 1 }],
    run: (pixels, options) => threshold(pixels, options['threshold']!),
  },
  blur: {
    options: [{ name: 'sigma', default: 9, min: 0.1, max: 64, step: 0.1 }],
    run: (pixels, options) => blur(pixels, options['sigma']!),
  },
  tile: {
    options: [{ name: 'factor', default: 1, min: 1, max: 16, step: 0.5 }],
    run: (pixels, options) => tile(pixels, options['factor']!),
  },
};

/**
 * The hint image that preprocessor `name` makes of a picture; options left out take their defaults.
 * Throws RangeError for an unknown name or option, or a value outside its limits.
 */
export function preprocess(
  name: string,
  pixels: Pixels,
  options: Readonly<Record<string, number>> = {},
): Pixels {
  if (!isPreprocessor(name)) {
    throw new RangeError(`preprocessor "${name}" is not known; use one of ${PREPROCESSORS.join(', ')}`);
  }
  const preprocessor = PREPROCESSOR_TABLE[name];
  return preprocessor.run(pixels, completeOptions(name, preprocessor.options, options));
}

export function isPreprocessor(name: string): name is PreprocessorName {
  return PREPROCESSORS.some((known) => known === name);
}

function completeOptions(
  preprocessor: string,
  known: readonly PreprocessorOption[],
  given: Readonly<Record<string, number>>,
): Record<string, number> {
  for (const [name, value] of Object.entries(given)) {
    const option = known.find((candidate) => candidate.name === name);
    if (!option) throw new RangeError(`${preprocessor} has no option "${name}"; it takes ${listed(known)}`);
    if (!(value >= option.min && value <= option.max)) {
      throw new RangeError(
        `${preprocessor} option "${name}" is ${value}; use ${option.min} to ${option.max}`,
      );
    }
  }
  return { ...Object.fromEntries(known.map((option) => [option.name, option.default])), ...given };
}

function listed(known: readonly PreprocessorOption[]): string {
  return known.length === 0 ? 'none' : known.map(({ name }) => name).join(', ');
}

function cannyHint(
  { data, width, height, channels }: Pixels,
  low: number,
  high: number,
  l2: boolean,
): Pixels {
  const edges = canny(data, width, height, channels, { low, high, l2 });
  return greyPixels(
    maskOf(
      Float32Array.from(edges, (value) => value / 255),
      width,
      height,
    ),
  );
}

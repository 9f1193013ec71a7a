/** The CLIP pair's graphs: two towers, InfoNCE between them (Radford et al. 2021, fig. 3; van den Oord et al. 2018). */
import * as ops from '../../../../native-models/graph/ops.ts';
import { constant, input, type Value } from '../../../../native-models/graph/value.ts';
import type { Scope } from '../../../../native-models/layers/scope.ts';
import { clipText } from '../../../../native-models/models/clip.ts';
import { clipVision } from '../../../../native-models/models/clipVision.ts';
import type { ClipTextConfig, ClipVisionConfig } from '../../../../native-models/models/configs.ts';
import { recordParameters } from '../../../../native-models/models/parameters.ts';
import type { Shapes } from '../../parameters.ts';
import { gaussian, type InitialRules } from '../loop/initialise.ts';

/** Tokens looked at while training the pair: 99 % of captions are shorter, the rest are cut. */
export const TRAINED_TOKENS = 30;
const SHARED_WIDTH = 128;

export interface ClipPairConfig {
  readonly text: ClipTextConfig;
  readonly vision: ClipVisionConfig;
}

/** Unit-length embedding of texts [batch, 128] from tokenIds [batch, contextLength]. */
export function textTower(scope: Scope, config: ClipTextConfig, tokenIds: Value): Value {
  const { pooled } = clipText(scope.at('text_model'), config, { tokenIds });
  const weight = scope.at('text_projection').parameter('weight', [SHARED_WIDTH, config.width]);
  return unit(ops.gemm(pooled, weight, undefined, { transB: true }));
}

/** Unit-length embedding of pictures [batch, 128] from image [batch, 3, 128, 128] in −1…1. */
export function imageTower(scope: Scope, config: ClipVisionConfig, image: Value): Value {
  return unit(clipVision(visionScope(scope), config, image));
}

/** In Hugging Face's files the projection stands beside `vision_model`, not in it. */
function visionScope(scope: Scope): Scope {
  const at = scope.at('vision_model');
  return { ...at, at: (name) => (name === 'visual_projection' ? scope.at(name) : at.at(name)) };
}

/** Names and shapes of both towers, projections and the logit scale. */
export function clipPairParameters({ text, vision }: ClipPairConfig): Shapes {
  const shapes = recordParameters((scope) => {
    textTower(scope, text, input('tokenIds', 'int64', ['batch', text.contextLength]));
    imageTower(scope, vision, input('image', 'float32', ['batch', 3, vision.imageSize, vision.imageSize]));
  });
  return new Map([...shapes, ['logit_scale', []]]);
}

/** Symmetric cross entropy of `batch` pictures against their captions. Inputs: image, tokenIds. */
export function clipLoss(scope: Scope, { text, vision }: ClipPairConfig, batch: number): Value {
  const tokenIds = input('tokenIds', 'int64', [batch, TRAINED_TOKENS]);
  const image = input('image', 'float32', [batch, 3, vision.imageSize, vision.imageSize]);
  const texts = textTower(shortened(scope, text), { ...text, contextLength: TRAINED_TOKENS }, tokenIds);
  return contrast(scope, imageTower(scope, vision, image), texts, batch);
}

/**
 * The same, and beside it every picture must find its prompt among all of `prompts` [count, 128] (embedded already).
 * Further input: wanted [batch, count], 1 at the right prompt, or a row of zeros for a picture that has none.
 */
export function visionLoss(
  scope: Scope,
  { text, vision }: ClipPairConfig,
  batch: number,
  prompts: Float32Array<ArrayBuffer>,
): Value {
  const tokenIds = input('tokenIds', 'int64', [batch, TRAINED_TOKENS]);
  const image = input('image', 'float32', [batch, 3, vision.imageSize, vision.imageSize]);
  const texts = textTower(shortened(scope, text), { ...text, contextLength: TRAINED_TOKENS }, tokenIds);
  const pictures = imageTower(scope, vision, image);
  const count = prompts.length / SHARED_WIDTH;
  const wanted = input('wanted', 'float32', [batch, count]);
  const found = ops.logSoftmax(
    ops.mul(ops.matmul(pictures, constant(prompts, [count, SHARED_WIDTH]), { transB: true }), scaleOf(scope)),
  );
  const choice = ops.mul(ops.reduceSum(ops.mul(found, wanted), [0, 1], false), -1 / batch);
  return ops.add(choice, ops.mul(contrast(scope, pictures, texts, batch), 0.5));
}

/** InfoNCE in both directions between unit vectors [batch, 128]. */
function contrast(scope: Scope, pictures: Value, texts: Value, batch: number): Value {
  const logits = ops.mul(ops.matmul(pictures, texts, { transB: true }), scaleOf(scope)); // [batch, batch]
  const both = ops.add(ops.logSoftmax(logits), ops.logSoftmax(ops.transpose(logits, [1, 0])));
  return ops.mul(ops.reduceSum(ops.mul(both, diagonal(batch)), [0, 1], false), -0.5 / batch);
}

/** The factor of the logits: e to the trained scale, at most 100. */
function scaleOf(scope: Scope): Value {
  return ops.exp(ops.clip(scope.parameter('logit_scale', []), 0, Math.log(100)));
}

/** The same scope, whose position table is cut to the trained length. */
function shortened(scope: Scope, { contextLength }: Pick<ClipTextConfig, 'contextLength'>): Scope {
  return {
    ...scope,
    at: (name) => shortened(scope.at(name), { contextLength }),
    parameter: (name, shape) =>
      scope.path.endsWith('position_embedding')
        ? ops.slice(scope.parameter(name, [contextLength, ...shape.slice(1)]), 0, 0, shape[0]!)
        : scope.parameter(name, shape),
  };
}

function unit(x: Value): Value {
  return ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.mul(x, x), [1]), 1e-12)));
}

function diagonal(size: number): Value {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  return constant(data, [size, size]);
}

/** CLIP's own start: small gaussians, temperature 0.07. */
export const CLIP_START: InitialRules = [
  [/^logit_scale$/, (values) => values.fill(Math.log(1 / 0.07))],
  [/token_embedding\.weight$/, gaussian(0.02)],
  [/position_embedding\.weight$/, gaussian(0.01)],
  [/class_embedding$/, gaussian(128 ** -0.5)],
];

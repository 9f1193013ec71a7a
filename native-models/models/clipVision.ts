/**
 * The CLIP image transformer (Radford et al. 2021), under the names of Hugging Face's CLIPVisionModelWithProjection
 * with `vision_model.` left out.
 */
import * as ops from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';
import { layerNorm } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import { clipLayer } from './clip.ts';
import type { ClipVisionConfig } from './configs.ts';

/**
 * Image [B, 3, imageSize, imageSize], normalised by CLIP's mean and deviation → embedding [B, projection.width], not
 * yet of unit length.
 */
export function clipVision(scope: Scope, config: ClipVisionConfig, image: Value): Value {
  const { width } = config;
  let x = layerNorm(scope.at('pre_layrnorm'), imageTokens(scope.at('embeddings'), config, image), width); // the name is HF's
  for (let layer = 0; layer < config.layers; layer++)
    x = clipLayer(scope.at('encoder.layers').at(layer), config, x);
  const first = ops.reshape(ops.slice(x, 1, 0, 1), [ops.extent(x, 0), width]); // the class token
  return project(scope, config, layerNorm(scope.at('post_layernorm'), first, width));
}

/** Patches as tokens, the class token before them, plus positions: [B, 1 + patches, width]. */
function imageTokens(scope: Scope, config: ClipVisionConfig, image: Value): Value {
  const { width, patchSize, imageSize } = config;
  const kernel = scope.at('patch_embedding').parameter('weight', [width, 3, patchSize, patchSize]);
  const patches = ops.conv(ops.cast(image, scope.precision), kernel, undefined, { stride: patchSize }); // [B, width, n, n]
  const count = (imageSize / patchSize) ** 2;
  const tokens = ops.transpose(ops.reshape(patches, [ops.extent(image, 0), width, count]), [0, 2, 1]);
  // One class token per picture, for any batch: a row of zeros made from the patches, plus the vector.
  const nothing = ops.mul(ops.slice(tokens, 1, 0, 1), 0);
  const classToken = ops.add(nothing, scope.parameter('class_embedding', [width]));
  const positions = scope.at('position_embedding').parameter('weight', [count + 1, width]);
  return ops.add(ops.concat([classToken, tokens], 1), positions);
}

function project(scope: Scope, { width, projection }: ClipVisionConfig, pooled: Value): Value {
  if (!projection) return pooled;
  if (projection.layout === 'matrix')
    return ops.matmul(pooled, scope.parameter('visual_projection', [width, projection.width]));
  const weight = scope.at('visual_projection').parameter('weight', [projection.width, width]);
  return ops.gemm(pooled, weight, undefined, { transB: true });
}

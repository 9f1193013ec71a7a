/** Attention (Vaswani et al. 2017) and the transformer blocks of the U-Net. Tokens are [B, T, C]. */
import * as ops from '../graph/ops.ts';
import { staticDim, type Value } from '../graph/value.ts';
import { gelu, groupNorm, layerNorm, linear } from './basic.ts';
import type { Scope } from './scope.ts';

/**
 * softmax(q·kᵀ/√d + mask)·v over `heads` heads: q [B, Tq, C], k and v [B, Tk, C] → [B, Tq, C].
 * `mask` is added to the scores and broadcasts to [B, heads, Tq, Tk].
 */
export function attend(scope: Scope, q: Value, k: Value, v: Value, heads: number, mask?: Value): Value {
  if (scope.fusedAttention && !mask) return ops.multiHeadAttention(q, k, v, heads);
  const width = staticDim(q, 2);
  const headWidth = width / heads;
  const query = splitHeads(q, heads, [0, 2, 1, 3]); // [B, heads, Tq, d]
  const key = splitHeads(k, heads, [0, 2, 3, 1]); // [B, heads, d, Tk]
  const value = splitHeads(v, heads, [0, 2, 1, 3]); // [B, heads, Tk, d]
  const scores = ops.cast(ops.matmul(ops.mul(query, headWidth ** -0.5), key), 'float32');
  const shares = ops.softmax(mask ? ops.add(scores, mask) : scores); // [B, heads, Tq, Tk]
  const mixed = ops.matmul(ops.cast(shares, scope.precision), value);
  return ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [ops.extent(q, 0), ops.extent(q, 1), width]);
}

function splitHeads(x: Value, heads: number, permutation: readonly number[]): Value {
  const width = staticDim(x, 2);
  return ops.transpose(
    ops.reshape(x, [ops.extent(x, 0), ops.extent(x, 1), heads, width / heads]),
    permutation,
  );
}

/** LDM CrossAttention: q from x [B, T, width], k and v from `context` [B, Tc, contextWidth]. */
function crossAttention(scope: Scope, x: Value, context: Value, heads: number): Value {
  const width = staticDim(x, 2);
  const contextWidth = staticDim(context, 2);
  const q = linear(scope.at('to_q'), x, width, width);
  const k = linear(scope.at('to_k'), context, contextWidth, width);
  const v = linear(scope.at('to_v'), context, contextWidth, width);
  return linear(scope.at('to_out').at(0), attend(scope, q, k, v, heads), width, width);
}

/** Gated feed-forward (GEGLU, Shazeer 2020): width → 2·4·width → width. */
function feedForward(scope: Scope, x: Value): Value {
  const width = staticDim(x, 2);
  const inner = 4 * width;
  const [value, gate] = ops.split(linear(scope.at('net.0.proj'), x, width, 2 * inner), [inner, inner], -1);
  return linear(scope.at('net.2'), ops.mul(value!, gelu(gate!)), inner, width);
}

/** LDM BasicTransformerBlock: self-attention, cross-attention, feed-forward, each with a residual. */
function transformerBlock(scope: Scope, x: Value, context: Value, heads: number): Value {
  const width = staticDim(x, 2);
  const normed1 = layerNorm(scope.at('norm1'), x, width);
  const attended = ops.add(crossAttention(scope.at('attn1'), normed1, normed1, heads), x);
  const normed2 = layerNorm(scope.at('norm2'), attended, width);
  const informed = ops.add(crossAttention(scope.at('attn2'), normed2, context, heads), attended);
  return ops.add(feedForward(scope.at('ff'), layerNorm(scope.at('norm3'), informed, width)), informed);
}

export interface SpatialTransformerOptions {
  readonly heads: number;
  readonly depth: number;
  readonly normGroups: number;
}

/** LDM SpatialTransformer: [B, C, H, W] → tokens → `depth` blocks → [B, C, H, W], plus the input. */
export function spatialTransformer(
  scope: Scope,
  x: Value,
  context: Value,
  options: SpatialTransformerOptions,
): Value {
  const { heads, depth, normGroups } = options;
  const channels = staticDim(x, 1);
  const normed = groupNorm(scope.at('norm'), x, channels, normGroups, 1e-6);
  // A 1×1 convolution before flattening and a linear after it are the same matrix: one form serves SD1, SD2 and SDXL.
  let tokens = linear(scope.at('proj_in'), toTokens(normed), channels, channels);
  for (let index = 0; index < depth; index++) {
    tokens = transformerBlock(scope.at('transformer_blocks').at(index), tokens, context, heads);
  }
  return ops.add(toImage(linear(scope.at('proj_out'), tokens, channels, channels), x), x);
}

/** [B, C, H, W] → [B, H·W, C]. */
export function toTokens(x: Value): Value {
  const last = ops.transpose(x, [0, 2, 3, 1]);
  return ops.reshape(last, [ops.extent(x, 0), -1, staticDim(x, 1)]);
}

/** [B, H·W, C] → [B, C, H, W] with the height and width of `like`. */
export function toImage(tokens: Value, like: Value): Value {
  const extents = [ops.extent(like, 0), ops.extent(like, 2), ops.extent(like, 3), staticDim(tokens, 2)];
  return ops.transpose(ops.reshape(tokens, extents), [0, 3, 1, 2]);
}

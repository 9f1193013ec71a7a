/** The CLIP text transformer (Radford et al. 2021), OpenAI's and OpenCLIP's, under the names of Hugging Face's CLIPTextModel. */
import * as ops from '../graph/ops.ts';
import { constant, indices, type Value } from '../graph/value.ts';
import { attend } from '../layers/attention.ts';
import { gelu, layerNorm, linear, quickGelu } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';
import type { ClipTextConfig } from './configs.ts';

/** The sizes of one transformer layer; the text and the image encoder share it. */
export type ClipLayerConfig = Pick<ClipTextConfig, 'width' | 'heads' | 'mlpWidth' | 'activation'>;

export interface ClipTextInputs {
  /** int64 [B, contextLength]; ids from vocabSize upwards index `extraEmbeddings`. */
  readonly tokenIds: Value;
  /** Textual-inversion vectors [n ≥ 1, width]; a row of zeros when there are none. */
  readonly extraEmbeddings?: Value;
}

export interface ClipTextOutputs {
  /** One per clip skip: [0] is the last layer (clip skip 1), normalised where the config says so. [B, 77, width] */
  readonly embeddings: readonly Value[];
  /** The last layer, normalised, at the end token, projected where there is a projection. [B, projection ?? width] */
  readonly pooled: Value;
}

/** Token ids → embeddings for every clip skip, and the pooled vector. */
export function clipText(scope: Scope, config: ClipTextConfig, inputs: ClipTextInputs): ClipTextOutputs {
  const { width, contextLength } = config;
  const positions = scope.at('embeddings.position_embedding').parameter('weight', [contextLength, width]);
  let x = ops.add(tokenEmbeddings(scope, config, inputs), positions); // [B, 77, width]
  const mask = causalMask(contextLength);
  const hidden: Value[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    x = clipLayer(scope.at('encoder.layers').at(layer), config, x, mask);
    hidden.unshift(x);
  }
  const normalize = (value: Value): Value => layerNorm(scope.at('final_layer_norm'), value, width);
  const last = normalize(x);
  const embeddings = config.normalizeHidden ? [last, ...hidden.slice(1).map(normalize)] : hidden;
  return { embeddings, pooled: pooledOutput(scope, config, last, inputs.tokenIds) };
}

function tokenEmbeddings(
  scope: Scope,
  config: ClipTextConfig,
  { tokenIds, extraEmbeddings }: ClipTextInputs,
): Value {
  // Rows are gathered in the stored type and cast afterwards: the table is large, 77 rows are not. A GPU may not know
  // the stored type, so there the table is cast when it is loaded.
  const at = scope.at('embeddings.token_embedding');
  const shape = [config.vocabSize, config.width];
  const table = scope.flavour === 'webgpu' ? at.parameter('weight', shape) : at.raw('weight', shape);
  if (!extraEmbeddings) return ops.cast(ops.gather(table, tokenIds, 0), scope.precision);
  const lastToken = indices([config.vocabSize - 1]);
  const own = ops.cast(ops.gather(table, ops.min(tokenIds, lastToken), 0), scope.precision);
  const extraIds = ops.max(ops.sub(tokenIds, indices([config.vocabSize])), indices([0]));
  const isExtra = ops.greater(tokenIds, lastToken); // [B, 77]
  const condition = ops.reshape(isExtra, [ops.extent(tokenIds, 0), config.contextLength, 1]);
  return ops.where(condition, ops.cast(ops.gather(extraEmbeddings, extraIds, 0), scope.precision), own);
}

/** Pre-norm transformer layer with residuals; `mask` is added to the attention scores. */
export function clipLayer(scope: Scope, config: ClipLayerConfig, x: Value, mask?: Value): Value {
  const { width, heads, mlpWidth } = config;
  const attention = scope.at('self_attn');
  const normed = layerNorm(scope.at('layer_norm1'), x, width);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
    linear(attention.at(name), normed, width, width),
  );
  const mixed = linear(attention.at('out_proj'), attend(scope, q!, k!, v!, heads, mask), width, width);
  const attended = ops.add(x, mixed);
  const inner = linear(
    scope.at('mlp.fc1'),
    layerNorm(scope.at('layer_norm2'), attended, width),
    width,
    mlpWidth,
  );
  const activated = config.activation === 'quick_gelu' ? quickGelu(scope.flavour, inner) : gelu(inner);
  return ops.add(attended, linear(scope.at('mlp.fc2'), activated, mlpWidth, width));
}

/** 0 where a token may look, a large negative number where it may not (the future). [1, 1, T, T] */
function causalMask(length: number): Value {
  const mask = new Float32Array(length * length);
  for (let from = 0; from < length; from++) mask.fill(-3.4e38, from * length + from + 1, (from + 1) * length);
  return constant(mask, [1, 1, length, length]);
}

/** The row of the first end token, as one-hot · rows, then the projection. */
function pooledOutput(scope: Scope, config: ClipTextConfig, last: Value, tokenIds: Value): Value {
  const { width, contextLength, projection } = config;
  const isEnd = ops.cast(ops.equal(tokenIds, indices([config.vocabSize - 1])), 'int32');
  const position = ops.reshape(ops.argMax(isEnd, 1), [ops.extent(tokenIds, 0), 1]); // first of the equal maxima
  const row = constant(
    BigInt64Array.from({ length: contextLength }, (_, i) => BigInt(i)),
    [1, contextLength],
  );
  const oneHot = ops.cast(ops.equal(row, position), scope.precision); // [B, 77]
  const picked = ops.matmul(ops.reshape(oneHot, [ops.extent(tokenIds, 0), 1, contextLength]), last); // [B, 1, width]
  const pooled = ops.reshape(picked, [ops.extent(tokenIds, 0), width]);
  if (!projection) return pooled;
  if (projection.layout === 'linear')
    return linear(scope.at('text_projection'), pooled, width, projection.width);
  return ops.matmul(pooled, scope.parameter('text_projection', [width, projection.width]));
}

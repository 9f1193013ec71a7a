/** CLIP's image tower in plain loops, written from the paper (Radford et al. 2021; Dosovitskiy et al. 2021) to judge the graph by. */
import type { ClipVisionConfig } from '../../native-models/models/configs.ts';
import type { Weights } from './tinyClip.ts';

type Rows = number[][];

/** `image` [3][side²], normalised → embedding of unit length. */
export function referenceEmbedding(weights: Weights, config: ClipVisionConfig, image: Rows): number[] {
  const layerNormed = (x: Rows, name: string): Rows => x.map((row) => norm(row, vector(weights, name)));
  let x = layerNormed(tokens(weights, config, image), 'pre_layrnorm');
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `encoder.layers.${layer}`;
    const mixed = attention(weights, `${at}.self_attn`, config, layerNormed(x, `${at}.layer_norm1`));
    x = added(x, mixed);
    const hidden = linear(weights, `${at}.mlp.fc1`, layerNormed(x, `${at}.layer_norm2`));
    const active = hidden.map((row) => row.map((value) => value / (1 + Math.exp(-1.702 * value))));
    x = added(x, linear(weights, `${at}.mlp.fc2`, active));
  }
  const [projected] = linear(weights, 'visual_projection', layerNormed([x[0]!], 'post_layernorm'));
  const length = Math.hypot(...projected!);
  return projected!.map((value) => value / length);
}

function tokens(weights: Weights, { imageSize, patchSize, width }: ClipVisionConfig, image: Rows): Rows {
  const kernel = weights.get('embeddings.patch_embedding.weight')!.data;
  const positions = weights.get('embeddings.position_embedding.weight')!.data;
  const perSide = imageSize / patchSize;
  const rows: Rows = [[...weights.get('embeddings.class_embedding')!.data]];
  for (let patch = 0; patch < perSide ** 2; patch++) {
    const [top, left] = [Math.floor(patch / perSide) * patchSize, (patch % perSide) * patchSize];
    rows.push(
      Array.from({ length: width }, (_, out) => {
        let sum = 0;
        for (let c = 0; c < 3; c++)
          for (let y = 0; y < patchSize; y++)
            for (let x = 0; x < patchSize; x++)
              sum +=
                image[c]![(top + y) * imageSize + left + x]! *
                kernel[((out * 3 + c) * patchSize + y) * patchSize + x]!;
        return sum;
      }),
    );
  }
  return rows.map((row, t) => row.map((value, i) => value + positions[t * width + i]!));
}

function attention(weights: Weights, at: string, { heads, width }: ClipVisionConfig, x: Rows): Rows {
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(weights, `${at}.${name}`, x));
  const size = width / heads;
  const mixed = x.map(() => new Array<number>(width).fill(0));
  for (let head = 0; head < heads; head++) {
    const part = (row: readonly number[]): number[] => row.slice(head * size, (head + 1) * size);
    for (const [t, target] of mixed.entries()) {
      const scores = k!.map((row) => Math.exp(dot(part(q![t]!), part(row)) / Math.sqrt(size)));
      const total = scores.reduce((a, b) => a + b, 0);
      for (const [s, score] of scores.entries())
        part(v![s]!).forEach((value, i) => {
          target[head * size + i]! += (score / total) * value;
        });
    }
  }
  return linear(weights, `${at}.out_proj`, mixed);
}

function linear(weights: Weights, name: string, x: Rows): Rows {
  const { data, shape } = weights.get(`${name}.weight`)!;
  const [out, width] = shape as [number, number];
  const bias = weights.get(`${name}.bias`)?.data;
  return x.map((row) =>
    Array.from(
      { length: out },
      (_, o) => (bias?.[o] ?? 0) + dot(row, data.subarray(o * width, (o + 1) * width)),
    ),
  );
}

function vector(weights: Weights, name: string): readonly [scale: Float32Array, shift: Float32Array] {
  return [weights.get(`${name}.weight`)!.data, weights.get(`${name}.bias`)!.data];
}

function norm(row: readonly number[], [scale, shift]: readonly [Float32Array, Float32Array]): number[] {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[i]! + shift[i]!);
}

function added(a: Rows, b: Rows): Rows {
  return a.map((row, t) => row.map((value, i) => value + b[t]![i]!));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

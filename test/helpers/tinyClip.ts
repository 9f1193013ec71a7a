/** A CLIP pair of random weights, written under the names of different programs. */
import { input } from '../../native-models/graph/value.ts';
import { clipText } from '../../native-models/models/clip.ts';
import { clipVision } from '../../native-models/models/clipVision.ts';
import { CLIP_L, type ClipTextConfig, type ClipVisionConfig } from '../../native-models/models/configs.ts';
import { recordParameters } from '../../native-models/models/parameters.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../native-models/weights/safetensorsWriter.ts';

const SHARED = 32;
export const TINY_TEXT: ClipTextConfig = {
  ...CLIP_L,
  width: 64,
  layers: 2,
  heads: 1,
  mlpWidth: 96,
  projection: { width: SHARED, layout: 'linear' },
};
export const TINY_VISION: ClipVisionConfig = {
  imageSize: 32,
  patchSize: 8,
  width: 128,
  layers: 2,
  heads: 2,
  mlpWidth: 160,
  activation: 'quick_gelu',
  projection: { width: SHARED, layout: 'linear' },
};

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}
export type Weights = ReadonlyMap<string, NamedTensor>;

/** Canonical names of each tower → weights that keep activations of ordinary size. */
export function tinyClip(): { readonly text: Weights; readonly vision: Weights } {
  const tokenIds = input('tokenIds', 'int64', ['batch', TINY_TEXT.contextLength]);
  const side = TINY_VISION.imageSize;
  const image = input('image', 'float32', ['batch', 3, side, side]);
  return {
    text: randomWeights(
      recordParameters((scope) => void clipText(scope, TINY_TEXT, { tokenIds })),
      1,
    ),
    vision: randomWeights(
      recordParameters((scope) => void clipVision(scope, TINY_VISION, image)),
      2,
    ),
  };
}

/** Hugging Face's CLIPModel; `prefixes` put the towers elsewhere, as checkpoints do. */
export async function writeClip(
  path: string,
  { text, vision }: ReturnType<typeof tinyClip>,
  prefixes = { text: '', vision: '' },
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const named = [
    ...[...text].map(([name, tensor]) => {
      const projection = name.startsWith('text_projection');
      return [projection ? prefixes.vision + name : `${prefixes.text}text_model.${name}`, tensor] as const;
    }),
    ...[...vision].map(([name, tensor]) => {
      const projection = name.startsWith('visual_projection');
      return [`${prefixes.vision}${projection ? '' : 'vision_model.'}${name}`, tensor] as const;
    }),
  ];
  await writeSafetensors(path, named.map(source), metadata);
}

/** OpenAI's own names: q, k and v in one matrix, projections stored [in, out]. */
export async function writeOpenAiClip(
  path: string,
  { text, vision }: ReturnType<typeof tinyClip>,
): Promise<void> {
  const named = [...openAiTower(text, ''), ...openAiTower(vision, 'visual.')];
  await writeSafetensors(path, named.map(source));
}

const OPENAI_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^embeddings\.token_embedding\.weight$/, 'token_embedding.weight'],
  [/^embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^embeddings\.class_embedding$/, 'class_embedding'],
  [/^embeddings\.patch_embedding\.weight$/, 'conv1.weight'],
  [/^final_layer_norm\./, 'ln_final.'],
  [/^pre_layrnorm\./, 'ln_pre.'],
  [/^post_layernorm\./, 'ln_post.'],
  [/^encoder\.layers\.(\d+)\.layer_norm(\d)\./, 'transformer.resblocks.$1.ln_$2.'],
  [/^encoder\.layers\.(\d+)\.mlp\.fc1\./, 'transformer.resblocks.$1.mlp.c_fc.'],
  [/^encoder\.layers\.(\d+)\.mlp\.fc2\./, 'transformer.resblocks.$1.mlp.c_proj.'],
  [/^encoder\.layers\.(\d+)\.self_attn\.out_proj\./, 'transformer.resblocks.$1.attn.out_proj.'],
];

function openAiTower(weights: Weights, prefix: string): [string, NamedTensor][] {
  const found: [string, NamedTensor][] = [];
  for (const [name, tensor] of weights) {
    const fused = /^encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)$/.exec(name);
    if (fused) {
      const parts = ['q_proj', 'k_proj', 'v_proj'].map((part) => weights.get(name.replace('q_proj', part))!);
      found.push([`${prefix}transformer.resblocks.${fused[1]}.attn.in_proj_${fused[2]}`, stacked(parts)]);
    } else if (name.endsWith('_projection.weight'))
      found.push([prefix === '' ? 'text_projection' : 'visual.proj', transposed(tensor)]);
    else if (!/\.[kv]_proj\./.test(name)) {
      const [pattern, to] = OPENAI_NAMES.find(([from]) => from.test(name))!;
      found.push([prefix + name.replace(pattern, to), tensor]);
    }
  }
  return found;
}

function stacked(parts: readonly NamedTensor[]): NamedTensor {
  const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
  return { shape: [data.length / (parts[0]!.shape[1] ?? 1), ...parts[0]!.shape.slice(1)], data };
}

function transposed({ shape, data }: NamedTensor): NamedTensor {
  const [rows, columns] = shape as [number, number];
  const flipped = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
  return { shape: [columns, rows], data: flipped };
}

function source([name, { shape, data }]: readonly [string, NamedTensor]): TensorSource {
  return floatSource(name, shape, data);
}

function randomWeights(shapes: ReadonlyMap<string, readonly number[]>, seed: number): Weights {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return new Map(
    [...shapes]
      .filter(([name]) => !name.endsWith('_projection.bias'))
      .map(([name, shape]) => {
        const count = shape.reduce((a, b) => a * b, 1);
        const isNorm = shape.length === 1 && name.endsWith('.weight');
        const scale = shape.length === 1 ? 0.1 : Math.sqrt(3 / (count / shape[0]!));
        return [
          name,
          { shape, data: Float32Array.from({ length: count }, () => next() * scale + (isNorm ? 1 : 0)) },
        ];
      }),
  );
}

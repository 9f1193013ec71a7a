/** OpenCLIP's (and OpenAI's original) names for CLIP's two transformers → Hugging Face's, which are canonical here. */
import type { TensorInfo } from './tensors.ts';

type Tensors = Map<string, TensorInfo>;

const TEXT_ENDS: ReadonlyMap<string, string> = new Map([
  ['token_embedding.weight', 'embeddings.token_embedding.weight'],
  ['positional_embedding', 'embeddings.position_embedding.weight'],
  ['ln_final.weight', 'final_layer_norm.weight'],
  ['ln_final.bias', 'final_layer_norm.bias'],
  ['text_projection', 'text_projection'],
  ['text_projection.weight', 'text_projection.weight'],
]);

/** "pre_layrnorm" is Hugging Face's spelling. */
const VISION_ENDS: ReadonlyMap<string, string> = new Map([
  ['class_embedding', 'embeddings.class_embedding'],
  ['conv1.weight', 'embeddings.patch_embedding.weight'],
  ['positional_embedding', 'embeddings.position_embedding.weight'],
  ['ln_pre.weight', 'pre_layrnorm.weight'],
  ['ln_pre.bias', 'pre_layrnorm.bias'],
  ['ln_post.weight', 'post_layernorm.weight'],
  ['ln_post.bias', 'post_layernorm.bias'],
  ['proj', 'visual_projection'],
]);

const LAYER: ReadonlyMap<string, string> = new Map([
  ['ln_1', 'layer_norm1'],
  ['ln_2', 'layer_norm2'],
  ['attn.out_proj', 'self_attn.out_proj'],
  ['mlp.c_fc', 'mlp.fc1'],
  ['mlp.c_proj', 'mlp.fc2'],
]);

/**
 * The text transformer. The pooled projection stays `text_projection` (no ".weight") where it is stored [in, out]
 * and used as x @ P, and is `text_projection.weight` where it is a linear's [out, in].
 */
export function openClipText(tensors: Tensors): Tensors {
  return renameTransformer(tensors, TEXT_ENDS);
}

/** The image transformer, below `visual.`; its projection is `visual_projection`, [in, out]. */
export function openClipVision(tensors: Tensors): Tensors {
  const visual = [...tensors].filter(([name]) => name.startsWith('visual.'));
  return renameTransformer(
    new Map(visual.map(([name, info]) => [name.slice('visual.'.length), info])),
    VISION_ENDS,
  );
}

function renameTransformer(tensors: Tensors, ends: ReadonlyMap<string, string>): Tensors {
  const renamed: Tensors = new Map();
  for (const [name, info] of tensors) {
    const [, layer, module, kind] =
      /^transformer\.resblocks\.(\d+)\.(.+?)[._](weight|bias)$/.exec(name) ?? [];
    const end = ends.get(name);
    if (end !== undefined) renamed.set(end, info);
    else if (module === 'attn.in_proj')
      addSplit(renamed, `encoder.layers.${layer}.self_attn`, `${kind}`, info);
    else if (module !== undefined && LAYER.has(module)) {
      renamed.set(`encoder.layers.${layer}.${LAYER.get(module)}.${kind}`, info);
    }
  }
  return renamed;
}

/** in_proj stacks q, k and v along its first axis: each is a third of the bytes, under a name of its own. */
function addSplit(renamed: Tensors, attention: string, kind: string, info: TensorInfo): void {
  const byteLength = info.byteLength / 3;
  const shape = [(info.shape[0] ?? 0) / 3, ...info.shape.slice(1)];
  if (!Number.isInteger(shape[0])) return; // a mis-shaped tensor: the architecture check reports q, k and v as missing
  ['q_proj', 'k_proj', 'v_proj'].forEach((projection, i) => {
    const offset = info.offset + i * byteLength;
    renamed.set(`${attention}.${projection}.${kind}`, {
      ...info,
      name: `${info.name}[${projection}]`,
      shape,
      offset,
      byteLength,
    });
  });
}

/** Small safetensors files with the tensor names of each kind of model, and zeros for data. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Writes a valid safetensors file of F16 zeros (`fill` varies the contents). */
export function writeModel(
  path: string,
  shapes: Shapes,
  metadata: Record<string, string> = {},
  fill = 0,
): void {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const end = offset + 2 * shape.reduce((product, dim) => product * dim, 1);
    header[name] = { dtype: 'F16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(offset, fill)]));
}

/** Enough tensors to be recognised; far too few to run. */
export const CHECKPOINT: Shapes = {
  'model.diffusion_model.input_blocks.0.0.weight': [2, 4, 3, 3],
  'model.diffusion_model.input_blocks.0.0.bias': [2],
  'model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight': [2, 768],
  'model.diffusion_model.input_blocks.2.1.proj_in.weight': [2, 2, 1, 1],
  'model.diffusion_model.out.2.weight': [4, 2, 3, 3],
  'model.diffusion_model.out.2.bias': [4],
  'first_stage_model.decoder.conv_in.weight': [2, 4, 3, 3],
};
export const SDXL: Shapes = {
  ...CHECKPOINT,
  'model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight': [1, 1],
  'model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight': [2, 2048],
  'model.diffusion_model.label_emb.0.0.weight': [1, 2816],
};
export const LORA: Shapes = {
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight': [2, 768],
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight': [4, 2],
  'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.alpha': [],
};
export const UPSCALER: Shapes = {
  'conv_first.weight': [8, 3, 3, 3],
  'body.0.rdb1.conv1.weight': [4, 8, 3, 3],
  'conv_body.weight': [8, 8, 3, 3],
  'conv_last.weight': [3, 8, 3, 3],
};

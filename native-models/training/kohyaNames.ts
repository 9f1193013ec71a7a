/** kohya's names for LoRA pairs: diffusers' module path with underscores, `lora_unet_…` or `lora_te_…`. */
import { diffusersUnetModules, inverted, renameByModule, type UnetBlocks } from '../weights/diffusersKeys.ts';

/** From a U-Net layer's path ('input_blocks.1.1.transformer_blocks.0.attn2.to_q') to kohya's name of its pair. */
export function kohyaUnetNames(blocks: UnetBlocks): (path: string) => string {
  const diffusers = inverted(diffusersUnetModules(blocks));
  return (path) => {
    const module = renameByModule(path, diffusers);
    if (module === undefined) throw new Error(`layer "${path}" has no place in a diffusers U-Net`);
    return `lora_unet_${module}`.replaceAll('.', '_');
  };
}

/** The same for a layer of the CLIP text encoder ('encoder.layers.0.self_attn.q_proj'). */
export function kohyaTextName(path: string): string {
  return `lora_te_text_model_${path}`.replaceAll('.', '_');
}

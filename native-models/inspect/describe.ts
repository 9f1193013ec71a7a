/** A detection in a few plain words, for messages: "a LoRA for SDXL", "an inpaint checkpoint for SD 1.5". */
import type { Detection } from './detect.ts';
import type { Base } from './detectLora.ts';

const BASES: Record<Base, string> = {
  sd15: ' for SD 1.5',
  sd21: ' for SD 2',
  sdxl: ' for SDXL',
  other: ' for a family of models that Emulsion does not run',
  unknown: '',
};

/** With its article, without a full stop. */
export function describeDetection(found: Detection): string {
  switch (found.type) {
    case 'checkpoint':
      return `${found.variant === 'normal' ? 'a' : `a ${found.variant}`} checkpoint${BASES[found.base]}`;
    case 'unet':
      return `a diffusion model${BASES[found.base]} without text encoder and VAE`;
    case 'lora':
      return `a LoRA${BASES[found.base]}`;
    case 'controlnet':
      return `${found.kind === 'union' ? 'a union ControlNet' : 'a ControlNet'}${BASES[found.base]}`;
    case 'vae':
      return `a VAE${BASES[found.base]}`;
    case 'embedding':
      return `a textual inversion${BASES[found.base]}`;
    case 't2i-adapter':
      return `${found.kind === 'light' ? 'a light T2I-Adapter' : 'a T2I-Adapter'}${BASES[found.base]}`;
    case 'ip-adapter':
      return `an IP-Adapter${BASES[found.base]}`;
    case 'control-lora':
      return `a Control-LoRA${BASES[found.base]}`;
    case 'controlnet-lllite':
      return `a ControlNet-LLLite${BASES[found.base]}`;
    case 'taesd':
      return 'a TAESD preview decoder';
    case 'text-encoder':
      return 'a text encoder';
    case 'image-encoder':
      return 'an image encoder';
    case 'upscaler':
      return 'an upscaler';
    case 'unsupported':
      return found.what;
    case 'unknown':
      return 'no kind of model that Emulsion knows';
  }
}

/** Which module checks which case folder. */
import { canny } from './canny.ts';
import type { ConformanceModule } from './check.ts';
import { clipBpe } from './clipBpe.ts';
import { clipText } from './clipText.ts';
import { controlnet } from './controlnet.ts';
import { endToEnd } from './endToEnd.ts';
import { esrgan } from './esrgan.ts';
import { ldmUnet } from './ldmUnet.ts';
import { ldmVae } from './ldmVae.ts';
import { lora } from './lora.ts';
import { loraTrain } from './loraTrain.ts';
import { promptWeights } from './promptWeights.ts';
import { rngBrownianTree } from './rngBrownianTree.ts';
import { rngTorchCpu } from './rngTorchCpu.ts';
import { samplers } from './samplers.ts';
import { textualInversion } from './textualInversion.ts';

export const CASES: Readonly<Record<string, ConformanceModule>> = {
  canny,
  'cfg-txt2img-e2e': endToEnd,
  'clip-bpe': clipBpe,
  'clip-text': clipText,
  controlnet,
  esrgan,
  'ldm-unet-inpaint': ldmUnet,
  'ldm-unet-sd1': ldmUnet,
  'ldm-unet-sd2': ldmUnet,
  'ldm-unet-sdxl': ldmUnet,
  'ldm-vae': ldmVae,
  lora,
  'lora-train': loraTrain,
  'prompt-weights': promptWeights,
  'rng-brownian-tree': rngBrownianTree,
  'rng-torch-cpu': rngTorchCpu,
  samplers,
  'textual-inversion': textualInversion,
};

/** What to use instead of a node that is not known here. */
import { KNOWN_NODES } from './registry.ts';

// biome-ignore format: one table, read across
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/^VAE(De|En)codeTiled$/, 'VAEDecode or VAEEncode, which work in tiles by themselves'],
  [/^LoraLoaderModelOnly$/, 'LoraLoader with strength_clip 0'],
  [/^ImageOnlyCheckpoint|SVD|Video|AnimateDiff|Hunyuan|Wan|LTX/i, 'nothing: video models are not supported'],
  [/UNETLoader|CLIPLoader|DiffusionModel|Gguf|Nunchaku/i, 'CheckpointLoaderSimple with a checkpoint that has all parts'],
  [/Flux|SD3|ModelSampling|AuraFlow|Chroma|Qwen/i, 'an SD 1.x, 2.x or SDXL checkpoint without it'],
  [/Checkpoint.*Loader|Load.*Checkpoint|Efficient Loader/i, 'CheckpointLoaderSimple'],
  [/Lora/i, 'LoraLoader, one after the other'],
  [/ControlNet.*(Stack|Apply)|ACN_/i, 'ControlNetApplyAdvanced'],
  [/ControlNet.*Load/i, 'ControlNetLoader'],
  [/Preprocessor|Depth|Pose|Lineart|HED|Scribble/i, 'LoadImage with the finished hint picture, or Canny'],
  [/IPAdapter|InstantID|PhotoMaker|PuLID/i, 'nothing: image prompts are not supported'],
  [/SamplerCustom|KSamplerSelect|Guider|Scheduler|RandomNoise|KSampler/i, 'KSampler or KSamplerAdvanced'],
  [/CLIPTextEncode|Prompt|Conditioning(Combine|Concat|Average|Set)/i, 'CLIPTextEncode with one prompt'],
  [/Latent.*(Blend|Composite|Add|Batch)/i, 'RepeatLatentBatch or SetLatentNoiseMask'],
  [/Latent/i, 'EmptyLatentImage or VAEEncode'],
  [/Upscal/i, 'UpscaleModelLoader and ImageUpscaleWithModel, or LatentUpscale'],
  [/Inpaint|DifferentialDiffusion/i, 'SetLatentNoiseMask, VAEEncodeForInpaint or InpaintModelConditioning'],
  [/Mask/i, 'LoadImageMask'],
  [/Save.*Image|Image.*Save/i, 'SaveImage'],
  [/Preview|Show|Display/i, 'PreviewImage'],
  [/Load.*Image|Image.*Load/i, 'LoadImage'],
  [/Resize|Scale/i, 'ImageScale'],
  [/^Primitive|Int$|Float$|String|Text|Seed|Reroute|Math|Switch/i, 'the value itself, written into the inputs it is linked to'],
];

/** "use KSampler", or the list of what there is. */
export function replacementFor(classType: string): string {
  const sameLetters = KNOWN_NODES.find((name) => name.toLowerCase() === classType.trim().toLowerCase());
  const found = sameLetters ?? REPLACEMENTS.find(([pattern]) => pattern.test(classType))?.[1];
  return found === undefined ? `There are ${KNOWN_NODES.join(', ')}.` : `Use ${found}.`;
}

/** A request as the parameters text that A1111, Forge and Civitai read. */
import type { ControlUse, GenerationRequest, LoraUse, ModelRef } from '../../../preload/request.ts';
import { formatInfotext, quoted } from './infotext.ts';
import { a1111Sampler, a1111Schedule } from './names.ts';
import { shortcutFields } from './shortcutFields.ts';

export interface InfotextOptions {
  /** Position in the batch; the seed written is that picture's own. */
  readonly batchIndex?: number;
  /** LoRA name → AutoV3 (sha256 without the safetensors header), of which 12 digits are written. */
  readonly loraHashes?: ReadonlyMap<string, string>;
  readonly version?: string;
}

type Fields = readonly (readonly [key: string, value: string | number | undefined])[];

/** Prompt with LoRA tags, negative prompt and settings; keys of ours only where a setting is not A1111's default. */
export function requestToInfotext(request: GenerationRequest, options: InfotextOptions = {}): string {
  const fields: Fields = [
    ...samplingFields(request, options.batchIndex ?? 0),
    ...modelFields(request),
    ...imageFields(request),
    ['Clip skip', request.clipSkip > 1 ? request.clipSkip : undefined],
    ['RNG', request.rng === 'cpu' ? 'CPU' : 'NV'],
    ...request.controls.map((control, i) => [`ControlNet ${i}`, controlText(control)] as const),
    ...hashFields(request, options.loraHashes),
    ...secondPassFields(request),
    ...ownFields(request),
    ['Version', options.version ?? 'Emulsion'],
  ];
  return formatInfotext({
    prompt: [request.prompt, ...request.loras.map(loraTag)].filter((part) => part !== '').join(' '),
    negativePrompt: request.negativePrompt,
    fields: new Map(fields.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))),
  });
}

/** The seed picture `batchIndex` of the batch is drawn from, modulo 2^64. */
export function pictureSeed(request: GenerationRequest, batchIndex: number): string {
  if (request.batchSeeds === 'batch') return request.seed;
  return String(BigInt.asUintN(64, BigInt(request.seed) + BigInt(batchIndex)));
}

function samplingFields(request: GenerationRequest, batchIndex: number): Fields {
  return [
    ['Steps', request.steps],
    ['Sampler', a1111Sampler(request.sampler)],
    ['Schedule type', a1111Schedule(request.schedule)],
    ['CFG scale', request.guidanceScale],
    ['Seed', pictureSeed(request, batchIndex)],
    ['Size', `${request.width}x${request.height}`],
  ];
}

function modelFields({ checkpoint, vae }: GenerationRequest): Fields {
  return [
    ['Model hash', checkpoint.sha256?.slice(0, 10)],
    ['Model', checkpoint.name],
    ['VAE hash', vae?.sha256?.slice(0, 10)],
    ['VAE', vae?.name],
  ];
}

function imageFields(request: GenerationRequest): Fields {
  if (request.kind === 'text-to-image')
    return [['Denoising strength', request.secondPass?.denoisingStrength]];
  if (request.kind === 'image-to-image') return [['Denoising strength', request.denoisingStrength]];
  return [
    ['Denoising strength', request.denoisingStrength],
    ['Mask blur', request.maskBlur],
    ['Masked content', request.maskedContent === 'original' ? undefined : request.maskedContent],
    ['Inpaint area', request.inpaintArea === 'only masked' ? 'Only masked' : undefined],
    ['Masked area padding', request.inpaintArea === 'only masked' ? request.maskedPadding : undefined],
    ['Mask grow', request.maskGrow === 0 ? undefined : request.maskGrow],
  ];
}

/** A1111 keeps the second pass's strength under `Denoising strength`; image-to-image needs that for itself. */
function secondPassFields({ kind, secondPass }: GenerationRequest): Fields {
  if (!secondPass) return [];
  return [
    ['Hires upscale', secondPass.scale],
    ['Hires steps', secondPass.steps],
    ['Hires upscaler', secondPass.upscaler === 'latent' ? 'Latent' : secondPass.upscaler.name],
    ['Hires denoising strength', kind === 'text-to-image' ? undefined : secondPass.denoisingStrength],
  ];
}

function hashFields(
  { loras, embeddings }: GenerationRequest,
  loraHashes: ReadonlyMap<string, string> = new Map(),
): Fields {
  const lora = loras.map(({ model }) => [model, loraHashes.get(model.name)?.slice(0, 12)] as const);
  const embedding = embeddings.map((model) => [model, model.sha256?.slice(0, 12)] as const);
  return [
    ['Lora hashes', hashList(lora)],
    ['TI hashes', hashList(embedding)],
  ];
}

function hashList(models: readonly (readonly [ModelRef, string | undefined])[]): string | undefined {
  const known = models.flatMap(([{ name }, hash]) => (hash ? [`${name.replace(/[,:]/g, '')}: ${hash}`] : []));
  return known.length === 0 ? undefined : known.join(', ');
}

/** Settings A1111 has no key for; it passes over keys it does not know. */
function ownFields(request: GenerationRequest): Fields {
  return [
    ['Prompt weighting', request.emphasis === 'comfy' ? 'ComfyUI' : undefined],
    ['Batch seeds', request.batchSeeds === 'batch' ? 'one draw' : undefined],
    ['Step rule', request.stepRule === usualRule(request) ? undefined : request.stepRule],
    ['Speed', request.speed === 'exact' ? undefined : request.speed],
    ...shortcutFields(request),
  ];
}

/** The schema's defaults. */
function usualRule({ kind }: GenerationRequest): GenerationRequest['stepRule'] {
  return kind === 'text-to-image' ? 'comfy' : 'diffusers';
}

function loraTag({ model, textWeight, unetWeight }: LoraUse): string {
  const weights = textWeight === unetWeight ? `${unetWeight}` : `${textWeight}:${unetWeight}`;
  return `<lora:${model.name.replace(/[:<>]/g, '')}:${weights}>`;
}

const CONTROL_MODES = {
  balanced: 'Balanced',
  prompt: 'My prompt is more important',
  control: 'ControlNet is more important',
} as const;

/** The ControlNet extension's layout; its whole text is one quoted value. */
function controlText(control: ControlUse): string {
  const options = control.preprocessorOptions;
  const isCanny = control.preprocessor === 'canny';
  const fields: Fields = [
    ['Module', control.preprocessor],
    ['Model', control.model.name],
    ['Weight', control.weight],
    ['Threshold A', isCanny ? (options['low'] ?? 100) : undefined],
    ['Threshold B', isCanny ? (options['high'] ?? 200) : undefined],
    ['Guidance Start', control.startFraction],
    ['Guidance End', control.endFraction],
    ['Control Mode', CONTROL_MODES[control.priority]],
    ['Options', Object.keys(options).length === 0 ? undefined : JSON.stringify(options)],
  ];
  return fields
    .flatMap(([key, value]) => {
      if (value === undefined) return [];
      return [`${key}: ${key === 'Options' ? value : quoted(String(value))}`];
    })
    .join(', ');
}

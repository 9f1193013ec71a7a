/** A request as rows of name and value: everything a picture depends on, in words that can be read and copied. */
import type { GenerationRequest, ModelRef, UpscaleRequest } from '../../preload/request.ts';
import { takenShortcuts } from '../../preload/shortcuts.ts';
import { SCHEDULE_LABELS, samplerLabel } from './samplers.ts';

/** Says a thing in the language of the window. */
export type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string;
export type Fact = readonly [name: string, value: string];

/** Hex digits by which people and other tools know a model: AutoV2. */
const SHORT_HASH = 10;

/** "Little World · 0123456789": a model with the beginning of its sha256. */
export const modelText = ({ name, sha256 }: ModelRef): string =>
  sha256 === undefined ? name : `${name} · ${sha256.slice(0, SHORT_HASH)}`;

/** Every setting, in the order of the panel; those that say nothing are left out. */
export function factsOf(request: GenerationRequest | UpscaleRequest, say: Say): Fact[] {
  const rows = request.kind === 'upscale' ? upscaleFacts(request, say) : generationFacts(request, say);
  return rows.filter(([, value]) => value !== '');
}

function upscaleFacts({ upscaler, scale, tile }: UpscaleRequest, say: Say): Fact[] {
  return [
    [say('upscaler'), modelText(upscaler)],
    [say('scale'), scale === undefined ? say('scale.own') : `× ${scale}`],
    [say('tile'), String(tile)],
  ];
}

function generationFacts(request: GenerationRequest, say: Say): Fact[] {
  return [
    [say('checkpoint'), modelText(request.checkpoint)],
    ['VAE', request.vae === undefined ? '' : modelText(request.vae)],
    ...request.loras.map(({ model, unetWeight, textWeight }): Fact => {
      const weight = unetWeight === textWeight ? `${unetWeight}` : `${unetWeight} / ${textWeight}`;
      return ['LoRA', `${modelText(model)} × ${weight}`];
    }),
    [say('type.embedding'), request.embeddings.map(modelText).join(', ')],
    [say('size'), `${request.width} × ${request.height}`],
    [say('sampler'), `${samplerLabel(request.sampler)} · ${SCHEDULE_LABELS[request.schedule]}`],
    [say('steps'), String(request.steps)],
    [say('guidanceScale'), String(request.guidanceScale)],
    [say('seed'), request.seed],
    ...pictureFacts(request, say),
    ...controlFacts(request, say),
    [say('secondPass'), secondPassText(request, say)],
    ...rareFacts(request, say),
  ];
}

function pictureFacts(request: GenerationRequest, say: Say): Fact[] {
  if (request.kind === 'text-to-image') return [];
  const own: Fact[] = [
    [say('strength'), request.denoisingStrength.toFixed(2)],
    [say('stepRule'), say(`stepRule.${request.stepRule}`)],
  ];
  return request.kind === 'inpaint'
    ? [...own, [say('maskedContent'), say(`masked.${request.maskedContent}`)]]
    : own;
}

function controlFacts({ controls }: GenerationRequest, say: Say): Fact[] {
  return controls.map(({ model, preprocessor, weight, startFraction, endFraction }) => [
    say('control.model'),
    `${modelText(model)} × ${weight} · ${preprocessorText(preprocessor, say)} · ${startFraction}–${endFraction}`,
  ]);
}

const preprocessorText = (name: string, say: Say): string =>
  name.startsWith('onnx:') ? name.slice('onnx:'.length) : say(`preprocessor.${name}`);

function secondPassText({ secondPass }: GenerationRequest, say: Say): string {
  if (secondPass === undefined) return '';
  const { scale, upscaler, denoisingStrength } = secondPass;
  const how = upscaler === 'latent' ? say('secondPass.latent') : modelText(upscaler);
  return `× ${scale} · ${how} · ${denoisingStrength.toFixed(2)}`;
}

function rareFacts(request: GenerationRequest, say: Say): Fact[] {
  const { clipSkip, rng, emphasis, batch, batchSeeds, speed } = request;
  const shortcuts = takenShortcuts(request);
  return [
    [say('clipSkip'), String(clipSkip)],
    [say('rng'), rng === 'cpu' ? 'CPU (ComfyUI)' : 'NV (A1111)'],
    [say('emphasis'), emphasis === 'comfy' ? 'ComfyUI' : 'A1111'],
    [say('batch'), batch === 1 ? '' : `${batch} · ${say(`batchSeeds.${batchSeeds}`)}`],
    [say('speed'), say(`speed.${speed}`)],
    [say('shortcuts'), shortcuts === undefined ? '' : shortcutText(shortcuts)],
  ];
}

function shortcutText({
  guidanceInterval,
  negativeBound,
  deepBound,
}: NonNullable<ReturnType<typeof takenShortcuts>>) {
  const { low, high } = guidanceInterval;
  return `CFG σ ${low}–${high} · ${negativeBound} · ${deepBound}`;
}

/** Rows as one text, a line each. */
export const factsText = (facts: readonly Fact[]): string =>
  facts.map(([name, value]) => `${name}: ${value}`).join('\n');

/** Choosing models: a checkpoint brings its own settings along, a LoRA its weight and trigger, and each says whether it fits. */
import type { ModelCard } from '../../preload/models.ts';
import type { Draft } from '../document/draft.ts';
import { currentDraft, setDraft } from '../stores/document.ts';

/** Sizes that bases were trained at. */
const NATURAL: Readonly<Record<string, number>> = { sd15: 512, sd21: 768, sdxl: 1024 };

/** The change of the draft that a checkpoint means: itself and the settings its card recommends. */
export function withDefaults({
  ref,
  base,
  defaults,
}: ModelCard): Partial<Draft> & Pick<Draft, 'width' | 'height'> {
  const natural = NATURAL[base] ?? 512;
  const { steps, guidanceScale, sampler, schedule, clipSkip, negativePrompt } = defaults;
  return {
    checkpoint: ref,
    width: defaults.width ?? natural,
    height: defaults.height ?? natural,
    ...(steps === undefined ? {} : { steps }),
    ...(guidanceScale === undefined ? {} : { guidanceScale }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(clipSkip === undefined ? {} : { clipSkip }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
  };
}

/** Chooses a checkpoint; the size is kept when the new base is used to the old one's. */
export function chooseCheckpoint(card: ModelCard, before: ModelCard | undefined): void {
  const { width, height, ...rest } = withDefaults(card);
  const sameSize =
    before !== undefined && before.base === card.base && card.defaults.width === before.defaults.width;
  setDraft(sameSize ? rest : { ...rest, width, height });
}

export function addLora({ ref, defaults }: ModelCard): void {
  const { loras } = currentDraft();
  if (loras.some(({ model }) => model.name === ref.name)) return;
  const weight = defaults.weight ?? 1;
  setDraft({ loras: [...loras, { model: ref, unetWeight: weight, textWeight: weight, on: true }] });
}

/** Live: the chip's slider. One drag is one undo entry. */
export function weighLora(name: string, weight: number): void {
  const loras = currentDraft().loras.map((lora) =>
    lora.model.name === name ? { ...lora, unetWeight: weight, textWeight: weight } : lora,
  );
  setDraft({ loras }, `weight ${name}`);
}

export const removeLora = (name: string): void =>
  setDraft({ loras: currentDraft().loras.filter(({ model }) => model.name !== name) });

export const switchLora = (name: string): void =>
  setDraft({
    loras: currentDraft().loras.map((lora) => (lora.model.name === name ? { ...lora, on: !lora.on } : lora)),
  });

/** True when a model of this base works with a checkpoint of that one; unknown bases are given the benefit of the doubt. */
export const fits = (card: ModelCard, checkpoint: ModelCard | undefined): boolean =>
  checkpoint === undefined ||
  card.base === checkpoint.base ||
  [card.base, checkpoint.base].some((base) => base === 'unknown' || base === 'other');

/** Adds a trigger word to the prompt unless it is there. */
export function addTrigger(word: string): void {
  const { prompt } = currentDraft();
  if (prompt.toLowerCase().includes(word.toLowerCase())) return;
  setDraft({ prompt: prompt.trim() === '' ? word : `${prompt.trimEnd().replace(/,$/, '')}, ${word}` });
}

/** Choosing models: a checkpoint brings its own settings along, a LoRA its weight and trigger, and each says whether it fits. */
import type { ModelCard } from '../../preload/models.ts';
import type { Draft } from '../document/draft.ts';
import { snap } from '../document/geometry.ts';
import { currentDocument, currentDraft, finishGesture, perform, setDraft } from '../stores/document.ts';
import { attempt } from '../stores/notices.ts';
import { studio } from '../stores/studio.ts';

/** Sizes that bases were trained at, for files that do not say. */
const NATURAL: Readonly<Record<string, number>> = { sd15: 512, sd21: 768, sdxl: 1024 };
/** Where a file says what size it was trained at: `512x512`. */
const RESOLUTION_KEY = 'modelspec.resolution';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size a checkpoint paints best: the user's own default, the file's word, its base's usual size. */
async function naturalSize({ id, base, defaults }: ModelCard): Promise<Size> {
  const detail = await studio().models.get({ id });
  const told = /^(\d+)x(\d+)$/.exec(detail.metadata[RESOLUTION_KEY] ?? '');
  const usual = NATURAL[base] ?? 512;
  return {
    width: defaults.width ?? (told === null ? usual : Number(told[1])),
    height: defaults.height ?? (told === null ? usual : Number(told[2])),
  };
}

/** The change of the draft that a checkpoint means: itself and the settings its card recommends. */
export async function withDefaults(card: ModelCard): Promise<Partial<Draft> & Size> {
  const { steps, guidanceScale, sampler, schedule, clipSkip, negativePrompt } = card.defaults;
  return {
    checkpoint: card.ref,
    ...(await naturalSize(card)),
    ...(steps === undefined ? {} : { steps }),
    ...(guidanceScale === undefined ? {} : { guidanceScale }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(clipSkip === undefined ? {} : { clipSkip }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
  };
}

/** The resolution at which a checkpoint of this size is trained on: multiples of 64. */
export const trainingSize = ({ width, height }: Size): number =>
  Math.max(64, snap(Math.min(width, height), 64));

/** Chooses a checkpoint with its settings; on a canvas that holds pictures the frame keeps its size. */
export async function chooseCheckpoint(card: ModelCard): Promise<void> {
  await attempt(async () => {
    const { width, height, ...rest } = await withDefaults(card);
    const gesture = 'checkpoint';
    setDraft(currentDocument().layers.length > 0 ? rest : { ...rest, width, height }, gesture);
    perform({ type: 'training changed', change: { resolution: trainingSize({ width, height }) } }, gesture);
    finishGesture();
  });
}

/** The draft's settings as what a checkpoint shall start with. */
export function draftAsDefaults(): ModelCard['defaults'] {
  const { steps, guidanceScale, sampler, schedule, clipSkip, width, height, negativePrompt } = currentDraft();
  return { steps, guidanceScale, sampler, schedule, clipSkip, width, height, negativePrompt };
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

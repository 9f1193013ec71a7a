/** The lists that A1111's clients ask for: models, samplers, schedules, upscalers, in A1111's own fields. */
import type { ModelType } from '../../../preload/models.ts';
import { SAMPLERS, SCHEDULES } from '../../../preload/request.ts';
import type { Services } from '../../app/services.ts';
import { a1111Sampler, a1111Schedule } from '../../images/recall/names.ts';
import { cardsWhere, modelStem } from '../../library/cards.ts';

function cards({ db, places }: Services, type: ModelType) {
  return cardsWhere(
    db,
    places.urls,
    "coalesce(m.user_type, m.type) = ? AND m.state = 'ready' ORDER BY m.file_name",
    type,
  );
}

/** `name.safetensors [hash]`: what sd_model_checkpoint takes. */
function titleOf(fileName: string, autoV2: string | null): string {
  return autoV2 === null ? fileName : `${fileName} [${autoV2}]`;
}

export function checkpoints(s: Services) {
  return cards(s, 'checkpoint').map(({ fileName, autoV2, sha256, path }) => ({
    title: titleOf(fileName, autoV2),
    model_name: modelStem(fileName),
    hash: autoV2,
    sha256,
    filename: path,
    config: null,
  }));
}

export function loras(s: Services) {
  return cards(s, 'lora').map(({ ref, name, path, id }) => ({
    name: ref.name,
    alias: name,
    path,
    metadata: { id },
  }));
}

export function vaes(s: Services) {
  return cards(s, 'vae').map(({ fileName, path }) => ({ model_name: fileName, filename: path }));
}

export function embeddings(s: Services) {
  const loaded = cards(s, 'embedding').map(({ ref }) => [
    ref.name,
    { step: null, sd_checkpoint: null, sd_checkpoint_name: null, shape: 0, vectors: 1 },
  ]);
  return { loaded: Object.fromEntries(loaded), skipped: {} };
}

export function upscalers(s: Services) {
  const models = cards(s, 'upscaler').map(({ ref, path }) => ({
    name: ref.name,
    model_name: ref.name,
    model_path: path,
    model_url: null,
    scale: 4,
  }));
  return [{ name: 'None', model_name: null, model_path: null, model_url: null, scale: 4 }, ...models];
}

export function samplers() {
  return SAMPLERS.map((id) => ({ name: a1111Sampler(id), aliases: [`k_${id}`], options: {} }));
}

/** The route's name is A1111's. */
export function schedules() {
  const automatic = {
    name: 'automatic',
    label: 'Automatic',
    aliases: null,
    default_rho: -1,
    need_inner_model: false,
  };
  return [automatic, ...SCHEDULES.map((name) => ({ ...automatic, name, label: a1111Schedule(name) }))];
}

/** Settings that InvokeAI, Fooocus and NovelAI write as JSON, as parts of a request. All values are of unknown soundness. */
import type { GenerationRequest } from '../../../preload/request.ts';
import { fromComfy, fromInvoke, fromNovelAi } from './names.ts';
import {
  type Collector,
  collector,
  fieldsOf,
  hashFrom,
  listFrom,
  type ModelHint,
  modelName,
  numberFrom,
  type Recall,
  seedFrom,
  textFrom,
} from './recall.ts';

type Json = Readonly<Record<string, unknown>>;

/** InvokeAI's `invokeai_metadata` (invocations/metadata.py). Its clip_skip counts skipped layers, ours the layer used. */
export function recallInvoke(settings: Json): Recall {
  const collected = collector();
  const { take, problem } = collected;
  takeShared(collected, settings, 'positive_prompt', 'cfg_scale');
  const { sampler, schedule } = fromInvoke(textFrom(settings['scheduler']));
  take('sampler', sampler);
  take('schedule', schedule);
  if (!sampler) problem(`sampler "${textFrom(settings['scheduler']) ?? 'none'}" is not known here`);
  take('width', numberFrom(settings['width']));
  take('height', numberFrom(settings['height']));
  const clipSkip = numberFrom(settings['clip_skip']);
  if (clipSkip !== undefined) take('clipSkip', clipSkip + 1);
  invokeModel(collected, 'checkpoint', settings['model']);
  invokeModel(collected, 'vae', settings['vae']);
  invokeLoras(collected, listFrom(settings['loras']));
  for (const entry of listFrom(settings['controlnets']).map(fieldsOf)) invokeControl(collected, entry);
  for (const key of ['ipAdapters', 't2iAdapters']) {
    if (listFrom(settings[key]).length > 0) problem(`the picture also used ${key}, which are left out`);
  }
  if (fieldsOf(settings['refiner_model'])['name']) problem('the refiner is left out');
  take('rng', 'cpu');
  take('emphasis', 'comfy');
  take('stepRule', 'diffusers'); // whose classes it runs
  const kind = invokeKind(textFrom(settings['generation_mode']) ?? '');
  if (kind !== 'text-to-image') take('denoisingStrength', numberFrom(settings['strength']));
  return collected.finish('invokeai', kind);
}

/** Fooocus's own scheme (modules/meta_parser.py); older versions use capitalised keys with spaces. */
export function recallFooocus(settings: Json): Recall {
  const value = (key: string) => settings[key] ?? settings[titled(key)];
  const collected = collector();
  const { take, model, problem } = collected;
  takeShared(
    collected,
    {
      ...settings,
      prompt: value('prompt'),
      negative_prompt: value('negative_prompt'),
      seed: value('seed'),
      steps: value('steps'),
      guidance_scale: value('guidance_scale'),
    },
    'prompt',
    'guidance_scale',
  );
  const { sampler, schedule } = fromComfy(textFrom(value('sampler')), textFrom(value('scheduler')));
  take('sampler', sampler);
  take('schedule', schedule);
  if (!sampler) problem(`sampler "${textFrom(value('sampler')) ?? 'none'}" is not known here`);
  const [, width, height] = /(\d+)\D+(\d+)/.exec(textFrom(value('resolution')) ?? '') ?? [];
  take('width', numberFrom(width));
  take('height', numberFrom(height));
  takeNamed(collected, 'checkpoint', textFrom(value('base_model')), textFrom(settings['base_model_hash']));
  const vae = textFrom(value('vae'));
  if (vae && !/^default/i.test(vae)) takeNamed(collected, 'vae', vae, undefined);
  take(
    'loras',
    fooocusLoras(settings).map(({ name, weight }) => loraUse(name, weight)),
  );
  for (const { name, hash } of fooocusLoras(settings)) model(named('lora', name, hash));
  if (textFrom(value('refiner_model')) !== undefined && value('refiner_model') !== 'None')
    problem('the refiner is left out');
  if (/\w/.test(textFrom(value('styles')) ?? ''))
    problem('Fooocus styles and prompt expansion are left out: the picture was made from a longer prompt');
  take('rng', 'cpu');
  take('emphasis', 'a1111');
  return collected.finish('fooocus', 'text-to-image');
}

/** NovelAI's `Comment`; `description` is the prompt as its PNG text has it. Width and height are the picture's own where absent. */
export function recallNovelAi(settings: Json, description: string | undefined): Recall {
  const collected = collector();
  const { take, problem } = collected;
  takeShared(
    collected,
    { ...settings, prompt: settings['prompt'] ?? description, negative_prompt: settings['uc'] },
    'prompt',
    'scale',
  );
  const { sampler, schedule } = fromNovelAi(
    textFrom(settings['sampler']),
    textFrom(settings['noise_schedule']),
  );
  take('sampler', sampler);
  take('schedule', schedule);
  if (!sampler) problem(`sampler "${textFrom(settings['sampler']) ?? 'none'}" is not known here`);
  take('width', numberFrom(settings['width']));
  take('height', numberFrom(settings['height']));
  take('clipSkip', 2);
  take('rng', 'cpu');
  take('emphasis', 'a1111');
  problem(
    "NovelAI's checkpoint is not public: choose another one, and write its {emphasis} as (emphasis:1.05)",
  );
  const kind = novelAiKind(textFrom(settings['request_type']) ?? '');
  if (kind !== 'text-to-image') take('denoisingStrength', numberFrom(settings['strength']));
  return collected.finish('novelai', kind);
}

/** Prompts, seed, steps and guidance, which all three keep under nearly the same names. */
function takeShared({ take }: Collector, settings: Json, promptKey: string, guidanceKey: string): void {
  take('prompt', textFrom(settings[promptKey]));
  take('negativePrompt', textFrom(settings['negative_prompt']));
  take('seed', seedFrom(settings['seed']));
  take('steps', numberFrom(settings['steps']));
  take('guidanceScale', numberFrom(settings[guidanceKey]));
}

function takeNamed(
  { take, model }: Collector,
  role: 'checkpoint' | 'vae',
  name: string | undefined,
  hash: string | undefined,
): void {
  if (!name) return;
  take(role, { name: modelName(name) });
  model(named(role, modelName(name), hash));
}

/** Model fields of version 4 are {key, hash, name, base, type}; version 3 had {model_name, …}. */
function invokeModel(collected: Collector, role: 'checkpoint' | 'vae', value: unknown): void {
  const model = fieldsOf(value);
  takeNamed(
    collected,
    role,
    textFrom(model['name']) ?? textFrom(model['model_name']),
    textFrom(model['hash']),
  );
}

function invokeLoras({ take, model }: Collector, entries: readonly unknown[]): void {
  const loras = entries.map(fieldsOf).flatMap((entry) => {
    const file = fieldsOf(entry['model'] ?? entry['lora']);
    const name = textFrom(file['name']) ?? textFrom(file['model_name']);
    return name ? [{ name, weight: numberFrom(entry['weight']) ?? 1, hash: textFrom(file['hash']) }] : [];
  });
  take(
    'loras',
    loras.map(({ name, weight }) => loraUse(name, weight)),
  );
  for (const { name, hash } of loras) model(named('lora', name, hash));
}

function invokeControl({ model, problem }: Collector, entry: Json): void {
  const file = fieldsOf(entry['control_model']);
  const name = textFrom(file['name']) ?? textFrom(file['model_name']);
  if (!name) return;
  model(named('control', name, textFrom(file['hash'])));
  problem(
    `ControlNet "${name}" (weight ${numberFrom(entry['control_weight']) ?? 1}) needs its picture again`,
  );
}

function invokeKind(mode: string): GenerationRequest['kind'] {
  if (/inpaint|outpaint/.test(mode)) return 'inpaint';
  return mode.includes('img2img') ? 'image-to-image' : 'text-to-image';
}

function novelAiKind(requestType: string): GenerationRequest['kind'] {
  if (/infill/i.test(requestType)) return 'inpaint';
  return /img2img/i.test(requestType) ? 'image-to-image' : 'text-to-image';
}

/** `loras: [[name, weight, hash]]`, or `lora_combined_1: "name : weight"` and its older spelling. */
function fooocusLoras(settings: Json): { name: string; weight: number; hash: string | undefined }[] {
  const listed = listFrom(settings['loras'])
    .map(listFrom)
    .flatMap(([name, weight, hash]) =>
      typeof name === 'string'
        ? [{ name: modelName(name), weight: numberFrom(weight) ?? 1, hash: textFrom(hash) }]
        : [],
    );
  if (listed.length > 0) return listed;
  return Object.entries(settings).flatMap(([key, value]) => {
    if (!/^(lora_combined_|LoRA )\d+$/.test(key) || typeof value !== 'string') return [];
    const parts = value.split(' : ');
    const [name, weight] = parts.length === 3 ? parts.slice(1) : parts;
    const enabled = parts.length !== 3 || parts[0] === 'True';
    return enabled && name
      ? [{ name: modelName(name), weight: numberFrom(weight) ?? 1, hash: undefined }]
      : [];
  });
}

function loraUse(
  name: string,
  weight: number,
): { model: { name: string }; textWeight: number; unetWeight: number } {
  return { model: { name }, textWeight: weight, unetWeight: weight };
}

function named(role: ModelHint['role'], name: string, digits: string | undefined): ModelHint {
  const hash = hashFrom(digits, role);
  return { role, name, ...(hash && { hash }) };
}

/** `guidance_scale` → `Guidance Scale`. */
function titled(key: string): string {
  return key.replace(
    /(^|_)(\w)/g,
    (_, gap: string, letter: string) => (gap ? ' ' : '') + letter.toUpperCase(),
  );
}

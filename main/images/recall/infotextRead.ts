/** A1111's parameters text, and its relatives' (stable-diffusion.cpp, Fooocus, Civitai), as a request. */

import type { GenerationRequest } from '../../../preload/request.ts';
import { extractLoraTags } from '../../pipeline/text/prompt/loraTags.ts';
import { type Infotext, parseFields, parseInfotext } from './infotext.ts';
import { fromA1111, fromComfy, fromSdCpp, type Sampling } from './names.ts';
import {
  type Collector,
  collector,
  fieldsOf,
  hashFrom,
  listFrom,
  type MetadataSource,
  modelName,
  numberFrom,
  type Recall,
  seedFrom,
  textFrom,
} from './recall.ts';
import { shortcutsFrom } from './shortcutFields.ts';

type Fields = Infotext['fields'];

/** Settings that change the picture and have no counterpart here. */
const UNKNOWN_HERE: Readonly<Record<string, string>> = {
  'Variation seed': 'the variation seed is left out',
  'Seed resize from': 'the seed of another size is left out',
  'Face restoration': 'face restoration is left out',
  Tiling: 'tiling is left out',
  ENSD: 'the eta noise seed delta is left out, so ancestral samplers differ',
  Refiner: 'the refiner is left out',
  'Hires checkpoint': 'the other checkpoint of the second pass is left out',
  'Hires prompt': 'the other prompt of the second pass is left out',
  'Hires sampler': 'the other sampler of the second pass is left out',
  Hypernet: 'the hypernetwork is left out',
  'Noise multiplier': 'the noise multiplier is left out',
};

/** Reads a parameters text; `source` is `a1111` unless its fields tell another program. Never throws. */
export function recallInfotext(text: string, source?: MetadataSource): Recall {
  const infotext = parseInfotext(text);
  const { fields } = infotext;
  const program = source ?? (fields.get('Version')?.startsWith('stable-diffusion.cpp') ? 'sdcpp' : 'a1111');
  const collected = collector();
  takePrompts(collected, infotext);
  takeSampling(collected, fields, program);
  takeModels(collected, fields);
  takeControls(collected, fields);
  const kind = takeImageSettings(collected, fields);
  takeSecondPass(collected, fields, kind);
  takeCommon(collected, fields, program);
  for (const [key, sentence] of Object.entries(UNKNOWN_HERE))
    if (fields.has(key)) collected.problem(sentence);
  return collected.finish(program, kind);
}

function takePrompts(
  { take, model, problem }: Collector,
  { prompt, negativePrompt, fields }: Infotext,
): void {
  const tagged = extractLoraTags(prompt);
  const tags = tagged.loras.map(({ name, textWeight, unetWeight }) => ({
    model: { name },
    textWeight,
    unetWeight,
  }));
  const loras = tags.length > 0 ? tags : civitaiLoras(fields);
  take('prompt', tagged.prompt.trim());
  take('negativePrompt', extractLoraTags(negativePrompt).prompt.trim());
  take('loras', loras);
  tagged.problems.forEach(problem);
  const hashes = hashesOf(fields, 'Lora hashes', 'lora:');
  for (const { model: lora } of loras) {
    const hash = hashFrom(hashes.get(lora.name.replace(/[,:]/g, '')), 'lora');
    model({ role: 'lora', name: lora.name, ...(hash && { hash }) });
  }
}

/** Civitai's own generator writes LoRAs only as resources; Fooocus as `Lora weights: "name: 0.5"`. */
function civitaiLoras(fields: Fields): { model: { name: string }; textWeight: number; unetWeight: number }[] {
  const resources = listFrom(parsedJson(fields.get('Civitai resources'))).map(fieldsOf);
  const named = resources
    .filter(({ type }) => type === 'lora' || type === 'lycoris')
    .map(({ modelName: name, weight }) => [textFrom(name), numberFrom(weight) ?? 1] as const);
  const weights = [...parseFields(fields.get('Lora weights') ?? '').fields].map(
    ([name, weight]) => [name, numberFrom(weight) ?? 1] as const,
  );
  return [...named, ...weights].flatMap(([name, weight]) =>
    name ? [{ model: { name }, textWeight: weight, unetWeight: weight }] : [],
  );
}

function takeSampling({ take, problem }: Collector, fields: Fields, program: MetadataSource): void {
  const { sampler, schedule } = samplingOf(fields, program);
  take('sampler', sampler);
  take('schedule', schedule);
  if (fields.has('Sampler') && !sampler) problem(`sampler "${fields.get('Sampler')}" is not known here`);
  if (!schedule) problem(`schedule "${fields.get('Schedule type')}" is not known here`);
  take('steps', numberFrom(fields.get('Steps')));
  take('guidanceScale', numberFrom(fields.get('CFG scale')));
  take('seed', seedFrom(fields.get('Seed')));
}

function samplingOf(fields: Fields, program: MetadataSource): Sampling {
  if (program === 'sdcpp') return fromSdCpp(fields.get('Sampler'));
  if (!fields.has('Scheduler')) return fromA1111(fields.get('Sampler'), fields.get('Schedule type'));
  const named = fromComfy(fields.get('Sampler'), fields.get('Scheduler'));
  return { ...fromA1111(fields.get('Sampler'), undefined), ...named };
}

function takeModels({ take, model }: Collector, fields: Fields): void {
  const hashes = hashesOf(fields, '', '');
  const checkpoint = fields.get('Model');
  const checkpointHash = hashFrom(fields.get('Model hash') ?? hashes.get('model'), 'checkpoint');
  if (checkpoint) take('checkpoint', { name: modelName(checkpoint) });
  if (checkpoint || checkpointHash) {
    model({
      role: 'checkpoint',
      ...(checkpoint && { name: modelName(checkpoint) }),
      ...(checkpointHash && { hash: checkpointHash }),
    });
  }
  const vae = fields.get('VAE');
  if (vae && !/^(automatic|none|default( \(model\))?)$/i.test(vae)) {
    const hash = hashFrom(fields.get('VAE hash') ?? hashes.get('vae'), 'vae');
    take('vae', { name: modelName(vae) });
    model({ role: 'vae', name: modelName(vae), ...(hash && { hash }) });
  }
  const embeddings = [...hashesOf(fields, 'TI hashes', 'embed:')];
  if (embeddings.length > 0)
    take(
      'embeddings',
      embeddings.map(([name]) => ({ name })),
    );
  for (const [name, digits] of embeddings) {
    const hash = hashFrom(digits, 'embedding');
    model({ role: 'embedding', name, ...(hash && { hash }) });
  }
}

/** A hint image is not in the file, so a ControlNet is named for the user to set up again. */
function takeControls({ model, problem }: Collector, fields: Fields): void {
  for (const [key, text] of fields) {
    if (!/^ControlNet \d+$/.test(key)) continue;
    const unit = parseFields(text).fields;
    const name = modelName((unit.get('Model') ?? '').replace(/ \[[0-9a-f]{8}\]$/, ''));
    const hash = hashFrom(/ \[([0-9a-f]{8})\]$/.exec(unit.get('Model') ?? '')?.[1], 'control');
    if (name === '' || name === 'None') continue;
    model({ role: 'control', name, ...(hash && { hash }) });
    problem(
      `ControlNet "${name}" (${unit.get('Module') ?? 'none'}, weight ${unit.get('Weight') ?? 1}) needs its picture again`,
    );
  }
}

/** Takes what belongs to a source picture, and tells the kind of request by it. */
function takeImageSettings({ take, problem }: Collector, fields: Fields): GenerationRequest['kind'] {
  const isInpaint = ['Mask blur', 'Mask mode', 'Masked content', 'Inpaint area', 'Mask grow'].some((key) =>
    fields.has(key),
  );
  const isFirstPass = fields.has('Hires upscale') || fields.has('Hires resize');
  const ownStrength = fields.has('Hires denoising strength');
  const fromImage = isInpaint || ownStrength || (fields.has('Denoising strength') && !isFirstPass);
  take('stepRule', fields.get('Step rule') ?? (fromImage ? 'diffusers' : 'comfy'));
  if (!fromImage) return 'text-to-image';
  take('denoisingStrength', numberFrom(fields.get('Denoising strength')));
  if (!isInpaint) return 'image-to-image';
  take('maskBlur', numberFrom(fields.get('Mask blur')));
  take('maskGrow', numberFrom(fields.get('Mask grow')));
  take('maskedContent', fields.get('Masked content')?.toLowerCase());
  take('inpaintArea', fields.get('Inpaint area')?.toLowerCase());
  take('maskedPadding', numberFrom(fields.get('Masked area padding')));
  if (fields.get('Mask mode') === 'Inpaint not masked')
    problem('the mask was used inverted: paint what is to be kept, then invert it');
  return 'inpaint';
}

function takeSecondPass(
  { request, take, model }: Collector,
  fields: Fields,
  kind: GenerationRequest['kind'],
): void {
  const size = /^(\d+)x(\d+)$/.exec(fields.get('Size') ?? '');
  take('width', numberFrom(size?.[1]));
  take('height', numberFrom(size?.[2]));
  const scale = numberFrom(fields.get('Hires upscale')) ?? resizeScale(fields.get('Hires resize'), request);
  if (scale === undefined) return;
  const name = fields.get('Hires upscaler') ?? 'Latent';
  const isLatent = /^latent/i.test(name);
  const steps = numberFrom(fields.get('Hires steps'));
  take('secondPass', {
    scale,
    upscaler: isLatent ? 'latent' : { name: modelName(name) },
    denoisingStrength:
      numberFrom(fields.get(kind === 'text-to-image' ? 'Denoising strength' : 'Hires denoising strength')) ??
      0.7,
    ...(steps && { steps }),
  });
  if (!isLatent) model({ role: 'upscaler', name: modelName(name) });
}

/** `1024x768` as a scale; a side of 0 follows from the other. */
function resizeScale(text: string | undefined, { width, height }: Recall['request']): number | undefined {
  const [newWidth, newHeight] =
    /^(\d+)x(\d+)$/
      .exec(text ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  if (newWidth && width) return newWidth / width;
  return newHeight && height ? newHeight / height : undefined;
}

/** Absent keys mean A1111's defaults, which are not ours: its emphasis, Philox noise, a seed per picture. */
function takeCommon({ take, problem }: Collector, fields: Fields, program: MetadataSource): void {
  const rng = (fields.get('RNG') ?? 'GPU').toLowerCase();
  take('rng', rng === 'cpu' || program === 'fooocus' ? 'cpu' : 'nv');
  if (!['cpu', 'nv', 'gpu', 'cuda'].includes(rng))
    problem(`noise of the generator "${rng}" cannot be repeated here`);
  take('emphasis', fields.get('Prompt weighting') === 'ComfyUI' ? 'comfy' : 'a1111');
  take('batchSeeds', fields.get('Batch seeds') === 'one draw' ? 'batch' : 'increment');
  take('speed', fields.get('Speed'));
  take('shortcuts', shortcutsFrom(fields));
  const clipSkip = numberFrom(fields.get('Clip skip'));
  if (clipSkip !== undefined && clipSkip > 0) take('clipSkip', clipSkip);
}

/** `name: hash` pairs of one key, and those of Civitai's `Hashes` whose keys begin with `prefix`. */
function hashesOf(fields: Fields, key: string, prefix: string): Map<string, string> {
  const listed = (fields.get(key) ?? '').split(',').flatMap((pair): [string, string][] => {
    const colon = pair.indexOf(':');
    return colon < 0 ? [] : [[pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()]];
  });
  const civitai = Object.entries(fieldsOf(parsedJson(fields.get('Hashes')))).flatMap(
    ([name, hash]): [string, string][] =>
      name.startsWith(prefix) && typeof hash === 'string' ? [[name.slice(prefix.length), hash]] : [],
  );
  return new Map([...civitai, ...listed]);
}

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

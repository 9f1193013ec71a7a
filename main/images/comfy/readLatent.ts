/** What a sampler of a foreign graph starts from: an empty latent, a picture with or without mask, or an earlier sampler. */
import type { GenerationRequest } from '../../../preload/request.ts';
import { type Collector, modelName, numberFrom, textFrom } from '../recall/recall.ts';
import type { LooseGraph, LooseNode } from './graph.ts';
import { nodeBehind, reach, setting } from './walk.ts';

/** By its inputs, so that samplers of any maker are recognised. */
export function isSampler({ inputs }: LooseNode): boolean {
  return 'latent_image' in inputs && ('positive' in inputs || 'guider' in inputs);
}

/** Inputs that carry the picture itself, as latent or as pixels. */
export function isLatentInput(name: string): boolean {
  return ['samples', 'latent_image', 'latent', 'pixels', 'image', 'images'].includes(name);
}

/** Takes size and batch, and source picture, mask and strength where there are any; tells the kind of request by them. */
export function takeLatent(
  collected: Collector,
  graph: LooseGraph,
  sampler: LooseNode,
): GenerationRequest['kind'] {
  const { take } = collected;
  const source = nodeBehind(graph, sampler.inputs['latent_image']);
  const nodes = source ? reach(graph, [source], (name) => isLatentInput(name) || name === 'mask') : [];
  const sized = nodes.find((node) => !isCrop(node) && hasSize(node));
  take('width', numberFrom(sized?.inputs['width']));
  take('height', numberFrom(sized?.inputs['height']));
  take('batch', numberFrom(firstOf(nodes, ({ inputs }) => inputs['batch_size'] ?? inputs['amount'])));
  take('stepRule', stepRuleOf(sampler));
  if (!nodes.some(({ inputs }) => 'pixels' in inputs)) return 'text-to-image';
  take('denoisingStrength', strengthOf(graph, sampler));
  const images = nodes.filter(({ class_type }) => /^LoadImage/.test(class_type));
  takePicture(
    collected,
    'initImage',
    images.find(({ class_type }) => class_type !== 'LoadImageMask'),
  );
  if (!nodes.some(({ inputs }) => 'mask' in inputs)) return 'image-to-image';
  takeMask(
    collected,
    nodes,
    images.find(({ class_type }) => class_type === 'LoadImageMask'),
  );
  return 'inpaint';
}

/** Takes what happened between the first sampler and `last`. */
export function takeSecondPass(
  { take, request, model }: Collector,
  graph: LooseGraph,
  last: LooseNode,
): void {
  const source = nodeBehind(graph, last.inputs['latent_image']);
  const between = source ? reach(graph, [source], isLatentInput, isSampler) : [];
  const width = numberFrom(firstOf(between, ({ inputs }) => inputs['width']));
  const factor = numberFrom(firstOf(between, ({ inputs }) => inputs['scale_by']));
  const scale = factor ?? (width && request.width ? width / request.width : undefined);
  if (scale === undefined) return;
  const upscaler = firstOf(between, ({ inputs }) =>
    textFrom(nodeBehind(graph, inputs['upscale_model'])?.inputs['model_name']),
  );
  const steps = numberFrom(setting(graph, last, ['steps']));
  take('secondPass', {
    scale,
    upscaler: upscaler === undefined ? 'latent' : { name: modelName(upscaler) },
    denoisingStrength: strengthOf(graph, last),
    ...(steps !== undefined && steps !== request.steps && { steps }),
  });
  if (upscaler !== undefined) model({ role: 'upscaler', name: modelName(upscaler) });
}

/** KSampler's `denoise` shortens by ComfyUI's rule; a later first step is diffusers', and so is what our own graphs say. */
function stepRuleOf({ inputs, emulsion }: LooseNode): unknown {
  return emulsion['stepRule'] ?? ('start_at_step' in inputs ? 'diffusers' : 'comfy');
}

function strengthOf(graph: LooseGraph, sampler: LooseNode): number {
  const steps = numberFrom(setting(graph, sampler, ['steps']));
  const start = numberFrom(sampler.inputs['start_at_step']);
  if (start !== undefined && steps !== undefined && steps > 0) return shareOfSteps(steps - start, steps);
  return numberFrom(setting(graph, sampler, ['denoise'])) ?? 1;
}

/** The strength whose whole number of steps is `run`: run/steps, or just above it where rounding falls short. */
function shareOfSteps(run: number, steps: number): number {
  const share = Math.min(1, Math.max(0, run / steps));
  return Math.trunc(share * steps) === run ? share : Math.min(1, (run + 1e-6) / steps);
}

function takeMask(collected: Collector, nodes: readonly LooseNode[], loader: LooseNode | undefined): void {
  const { take } = collected;
  takePicture(collected, 'mask', loader);
  take('maskGrow', numberFrom(loader?.emulsion['grow']) ?? 0);
  take('maskBlur', numberFrom(loader?.emulsion['blur']) ?? 0);
  const fill = nodes.some(({ emulsion }) => 'fill' in emulsion) ? 'fill' : undefined;
  take('maskedContent', firstOf(nodes, ({ emulsion }) => emulsion['maskedContent']) ?? fill);
  if (nodes.some(({ class_type }) => class_type === 'CropMask')) take('inpaintArea', 'only masked');
}

/** Our own graphs name pictures by sha256; a foreign file name is told, not opened. */
function takePicture(
  { take, problem }: Collector,
  field: 'initImage' | 'mask',
  loader: LooseNode | undefined,
): void {
  const sha256 = textFrom(loader?.emulsion['sha256']);
  const name = textFrom(loader?.inputs['image']);
  if (sha256 !== undefined) take(field, { sha256 });
  else if (name !== undefined)
    problem(`${field === 'mask' ? 'the mask' : 'the source picture'} was "${name}": choose it again`);
}

function hasSize({ inputs }: LooseNode): boolean {
  return numberFrom(inputs['width']) !== undefined && numberFrom(inputs['height']) !== undefined;
}

function isCrop({ class_type }: LooseNode): boolean {
  return /crop/i.test(class_type);
}

function firstOf<T>(nodes: readonly LooseNode[], value: (node: LooseNode) => T | undefined): T | undefined {
  return nodes.map(value).find((found) => found !== undefined);
}
